// What an inline run needs of its interfaces beyond their drivers' offers: every packet comes in
// (promiscuous, all-multicast), the host says nothing of its own (no ARP, no IPv6), nothing is merged or cut
// (offloads), and they are up. What is changed is written down first, one line a change, in a file of the
// pair; so a later run or `lockstep detach` puts it back even if this process is killed.
//
//   auto setup = InterfaceSetup::apply(record, wire_changes("eth0"), ...);
//   ...
//   setup->restore();
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep {

struct InterfaceChange {
  enum class What : unsigned char { feature, flag, ipv6 };
  std::string interface;
  unsigned index = 0;  // of the interface: another one of the same name is not the one that was changed
  What what = What::flag;
  std::string name;  // of the feature or flag ("rx-gro", "promisc"); "enabled" for IPv6
  bool on = false;   // wanted; in the record: what was before
};

// Flags and IPv6 of one port of a pair, in the order in which they keep the wire silent.
[[nodiscard]] std::vector<InterfaceChange> wire_changes(const std::string& interface, unsigned index);

class InterfaceSetup {
 public:
  // Makes the changes that are not so already. `record` is a file that this call makes; what an earlier run
  // left there still counts as how it was before. The error names the interface; then all is as it was.
  [[nodiscard]] static tl::expected<InterfaceSetup, std::string> apply(
      const std::string& record, const std::vector<InterfaceChange>& changes);
  // What an earlier run wrote down; without a record there is nothing to put back.
  [[nodiscard]] static tl::expected<InterfaceSetup, std::string> read(const std::string& record);

  // Puts everything back, the last change first, and removes the record. Interfaces that are gone are passed
  // over. The error names the first thing that could not be put back; the record then stays.
  [[nodiscard]] tl::expected<void, std::string> restore();
  [[nodiscard]] bool empty() const { return before_.empty(); }

 private:
  explicit InterfaceSetup(std::string record) : record_(std::move(record)) {}
  [[nodiscard]] tl::expected<void, std::string> write() const;

  std::string record_;
  std::vector<InterfaceChange> before_;
};

}  // namespace lockstep
