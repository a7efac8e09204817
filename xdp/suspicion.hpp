// Which connections are for the engine: the masks of ports and addresses (xdp/lockstep.h), made of the
// headers of all rules. Every connection that a rule's header matches in either direction is found
// suspicious; where rules are too many or too different for the maps, more than those.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/program.hpp"

namespace lockstep::xdp {

__extension__ typedef unsigned __int128 Number;  // an address as a number; IPv4 in the low 32 bits
using AddressRange = std::pair<Number, Number>;  // both ends included
using PortRange = std::pair<std::uint16_t, std::uint16_t>;

// One end of a rule's header: ranges, sorted and disjoint.
struct RuleEnd {
  std::vector<PortRange> ports;
  std::vector<AddressRange> addresses4;
  std::vector<AddressRange> addresses6;

  bool operator==(const RuleEnd&) const = default;
};

struct RuleEnds {
  RuleEnd source;
  RuleEnd destination;

  bool operator==(const RuleEnds&) const = default;
};

struct AddressMask {
  Number address = 0;
  std::uint8_t version = 4;
  std::uint8_t length = 0;
  ls_mask mask{};
};

struct SuspicionPlan {
  std::vector<ls_mask> ports = std::vector<ls_mask>(65'536);
  std::vector<AddressMask> addresses;  // no two of one prefix
  bool by_address = false;             // else addresses don't count
};

[[nodiscard]] SuspicionPlan plan_suspicion(std::span<const RuleEnds> rules);
// `everything`: still is afterwards. Until it is written everything is suspicious, so that no connection of
// either plan passes by.
[[nodiscard]] tl::expected<void, std::string> write_suspicion(const SuspicionPlan& plan,
                                                              const Program& program,
                                                              bool everything = false);

}  // namespace lockstep::xdp
