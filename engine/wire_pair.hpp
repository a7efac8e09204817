// The two interfaces that an inline run sits between: examined, taken by one engine alone, made ready and put
// back.
//
//   auto pair = WirePair::take(settings.wire, "eth0:eth1");
//   ... pair->plan() says how packets are to be taken
//   pair->release();
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"
#include "engine/doctor/examine.hpp"
#include "engine/interface/setup.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// Of "OUTSIDE:INSIDE".
[[nodiscard]] std::pair<std::string, std::string> pair_names(std::string_view pair);

class WirePair {
 public:
  // "OUTSIDE:INSIDE", as check_pair of the options lets pass. The errors are what stands in the way.
  [[nodiscard]] static tl::expected<WirePair, std::vector<std::string>> take(const WireSettings& settings,
                                                                             std::string_view pair);
  // The pair of a run that was killed; its interfaces may be gone. The error says that a run is under way.
  [[nodiscard]] static tl::expected<WirePair, std::string> take_over(const WireSettings& settings,
                                                                     std::string_view pair);

  // Puts the interfaces back. An error names the interface.
  [[nodiscard]] tl::expected<void, std::string> release() { return setup_.restore(); }
  [[nodiscard]] const std::string& outside() const { return outside_; }
  [[nodiscard]] const std::string& inside() const { return inside_; }
  [[nodiscard]] std::string name() const { return outside_ + ":" + inside_; }
  [[nodiscard]] const CapturePlan& plan() const { return plan_; }
  [[nodiscard]] CapturePlan& plan() { return plan_; }  // as it turns out
  // Receive queues, outside and inside; and the MTU of both.
  [[nodiscard]] const std::array<std::uint32_t, 2>& queues() const { return queues_; }
  [[nodiscard]] std::uint32_t mtu() const { return mtu_; }
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }

 private:
  WirePair(std::string outside, std::string inside, Descriptor lock, InterfaceSetup setup)
      : outside_(std::move(outside)),
        inside_(std::move(inside)),
        lock_(std::move(lock)),
        setup_(std::move(setup)) {}

  std::string outside_, inside_;
  Descriptor lock_;  // of a file: one engine a pair
  InterfaceSetup setup_;
  CapturePlan plan_;
  std::array<std::uint32_t, 2> queues_{1, 1};
  std::uint32_t mtu_ = 1500;
  std::vector<Finding> findings_;
};

}  // namespace lockstep
