// The signature that the oracles look for, and the rule that knows it.
#pragma once
#include <memory>
#include <string_view>

#include "engine/inspector.hpp"

namespace lockstep::oracle {

inline constexpr const char* signature = "EVIL-SIGNATURE";

// The rule with the signature, which drops or only alerts; compiled once a process.
class Rules {
 public:
  explicit Rules(std::string_view content);
  [[nodiscard]] Inspector& inspector(bool enforcing) { return enforcing ? *dropping_ : *alerting_; }

 private:
  std::unique_ptr<HostTable> hosts_;
  std::unique_ptr<Inspector> dropping_;
  std::unique_ptr<Inspector> alerting_;
};

}  // namespace lockstep::oracle
