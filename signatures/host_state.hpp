// State kept by host rather than by flow: xbits and hostbits (one namespace). Declared here, implemented by
// the caller, because it outlives flows and is shared between workers. Called only after the rest of a rule
// held. An implementation answers the same for one and for many workers as far as the order of packets is the
// same; nothing here throws.
#pragma once
#include <chrono>
#include <cstdint>

#include "signatures/address_set.hpp"
#include "signatures/packet.hpp"
#include "signatures/rule.hpp"

namespace lockstep::signatures {

struct HostBit {
  std::uint32_t bit = 0;  // index into Names::xbits
  Xbits::Track track = Xbits::Track::source;
  Address source, destination;  // of the packet that matched; `pair` is unordered
};

class HostState {
 public:
  HostState() = default;
  HostState(const HostState&) = delete;
  HostState& operator=(const HostState&) = delete;
  virtual ~HostState() = default;

  // False once a bit's expiry lies at or before `now`.
  [[nodiscard]] virtual bool is_set(const HostBit& bit, Timestamp now) const = 0;
  // Setting a bit again renews its expiry.
  virtual void set(const HostBit& bit, Timestamp now, std::chrono::seconds expire) = 0;
  virtual void unset(const HostBit& bit) = 0;
};

}  // namespace lockstep::signatures
