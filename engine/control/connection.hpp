// The other end of the control socket: asks one command after the other and waits for each answer.
#pragma once
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "engine/descriptor.hpp"

namespace lockstep {

class ControlConnection {
 public:
  // The error names the socket, what is wrong and the remedy.
  [[nodiscard]] static tl::expected<ControlConnection, std::string> open(const std::string& path);

  // {"message": ..., "return": "OK" or "NOK"}. The error: the engine is gone, or speaks otherwise.
  [[nodiscard]] tl::expected<nlohmann::json, std::string> ask(const nlohmann::json& message);

 private:
  explicit ControlConnection(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace lockstep
