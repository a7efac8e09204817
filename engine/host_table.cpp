#include "engine/host_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace lockstep {
namespace {

using signatures::Threshold;

constexpr std::uint8_t use_threshold = 1;
constexpr std::uint8_t use_rate_filter = 2;
constexpr std::chrono::hours backoff_memory{5 * 24};

Timestamp after(Timestamp time, Duration duration) {
  return time > Timestamp::max() - duration ? Timestamp::max() : time + duration;
}

// Rules may name any number of seconds: what Duration can't hold counts as its end.
Duration to_duration(std::chrono::seconds seconds) {
  constexpr auto most = std::chrono::duration_cast<std::chrono::seconds>(Duration::max());
  return std::clamp(seconds, std::chrono::seconds(0), most);
}

void put_pair(std::array<std::uint8_t, 16>& first, std::array<std::uint8_t, 16>& second,
              const signatures::Address& a, const signatures::Address& b) {
  first = std::min(a.bytes, b.bytes);
  second = std::max(a.bytes, b.bytes);
}

}  // namespace

std::string_view name(RateAnswer answer) {
  switch (answer) {
    case RateAnswer::neither:
      return "neither";
    case RateAnswer::silent:
      return "silent";
    case RateAnswer::alert:
      return "alert";
  }
  return "";
}

HostTable::HostTable(const HostTableLimits& limits, HashSeed seed)
    : port_sets_(limits.port_sets), rates_(limits.rates, seed), bits_(limits.bits, seed) {}

HostTable::~HostTable() = default;

HostTable::PortSet* HostTable::PortSets::take() {
  const std::scoped_lock lock(mutex_);
  return pool_.make();
}

void HostTable::PortSets::give_back(PortSet& set) {
  const std::scoped_lock lock(mutex_);
  pool_.release(set);
}

std::uint64_t HostTable::PortSets::refused() const {
  const std::scoped_lock lock(mutex_);
  return pool_.refused();
}

HostTable::RateKey HostTable::rate_key(const signatures::RuleId& rule, std::uint8_t use,
                                       Threshold::Track track, const RatePacket& packet) {
  RateKey key;
  key.gid = rule.gid;
  key.sid = rule.sid;
  key.rev = rule.rev;
  key.use = use;
  key.track = static_cast<std::uint8_t>(track);
  switch (track) {
    case Threshold::Track::by_src:
      key.first = packet.source.bytes;
      break;
    case Threshold::Track::by_dst:
      key.first = packet.destination.bytes;
      break;
    case Threshold::Track::by_both:
      put_pair(key.first, key.second, packet.source, packet.destination);
      break;
    case Threshold::Track::by_rule:
      return key;
    case Threshold::Track::by_flow:
      key.flow = packet.flow.value_or(0);
      return key;
  }
  key.version = packet.source.version;
  return key;
}

RateAnswer HostTable::hit(const signatures::RuleId& rule, const Threshold& threshold,
                          const RatePacket& packet) {
  if (threshold.track == Threshold::Track::by_flow && !packet.flow) return RateAnswer::neither;
  const RateKey key = rate_key(rule, use_threshold, threshold.track, packet);
  const Duration window = to_duration(threshold.seconds);
  return rates_.update(key, packet.now, [&](RateState& state, bool fresh) {
    if (threshold.type == Threshold::Type::backoff) {
      state.expires = after(packet.now, backoff_memory);
      return back_off(threshold, state, fresh);
    }
    const bool new_window = fresh || packet.now > after(state.start, window);
    if (new_window) {
      state.start = packet.now;
      state.expires = after(after(packet.now, window), window);
      state.count = 0;
    }
    if (threshold.unique_on != Threshold::UniqueOn::none) {
      count_port(threshold, state, new_window, packet);
    } else if (state.count < std::numeric_limits<std::uint32_t>::max()) {
      ++state.count;
    }
    return count_in_window(threshold, state, fresh, new_window);
  });
}

RateAnswer HostTable::count_in_window(const Threshold& threshold, RateState& state, bool first_window,
                                      bool new_window) {
  const std::uint32_t limit = threshold.count;
  switch (threshold.type) {
    case Threshold::Type::limit:
      return state.count <= limit || new_window ? RateAnswer::alert : RateAnswer::silent;
    case Threshold::Type::threshold:
      if (state.count < limit || (new_window && !first_window)) return RateAnswer::neither;
      // The hit that opens the first window stays counted, as it does in Suricata.
      if (!new_window) state.count = 0;
      return RateAnswer::alert;
    case Threshold::Type::both:
      if (state.count < limit) return RateAnswer::neither;
      return state.count == limit ? RateAnswer::alert : RateAnswer::silent;
    case Threshold::Type::detection_filter:
      return state.count > limit ? RateAnswer::alert : RateAnswer::neither;
    case Threshold::Type::backoff:
      break;
  }
  return RateAnswer::neither;
}

RateAnswer HostTable::back_off(const Threshold& threshold, RateState& state, bool fresh) {
  if (fresh) state.next = threshold.count;
  if (state.count == std::numeric_limits<std::uint32_t>::max()) return RateAnswer::silent;
  ++state.count;
  if (state.count == state.next) {
    state.next *= std::max<std::uint32_t>(threshold.multiplier, 1);
    return RateAnswer::alert;
  }
  return state.count < threshold.count ? RateAnswer::neither : RateAnswer::silent;
}

void HostTable::count_port(const Threshold& threshold, RateState& state, bool new_window,
                           const RatePacket& packet) {
  if (new_window) {
    state.ports.reset();
    state.ports = {port_sets_.take(), GiveBack(port_sets_)};
  }
  const bool by_source = threshold.unique_on == Threshold::UniqueOn::src_port;
  const std::uint16_t port = by_source ? packet.source_port : packet.destination_port;
  if (state.ports != nullptr) {
    if (state.ports->test(port)) return;
    state.ports->set(port);
  }
  if (state.count < std::numeric_limits<std::uint32_t>::max()) ++state.count;
}

bool HostTable::exceeds(const signatures::RuleId& rule, const signatures::RateFilter& filter,
                        const RatePacket& packet) {
  if (filter.track == Threshold::Track::by_flow && !packet.flow) return false;
  const RateKey key = rate_key(rule, use_rate_filter, filter.track, packet);
  const Duration window = to_duration(filter.seconds), timeout = to_duration(filter.timeout);
  return rates_.update(key, packet.now, [&](RateState& state, bool fresh) {
    if (state.acting_since) {
      if (packet.now <= after(*state.acting_since, timeout)) return true;
      state.acting_since.reset();
      return false;
    }
    if (fresh || packet.now > after(state.start, window)) {
      state.start = packet.now;
      state.expires = after(after(packet.now, window), window);
      state.count = 1;
      return false;
    }
    if (++state.count <= filter.count) return false;
    state.acting_since = packet.now;
    state.expires = std::max(state.expires, after(after(packet.now, timeout), window));
    return true;
  });
}

HostTable::BitKey HostTable::bit_key(const signatures::HostBit& bit) {
  BitKey key;
  key.bit = bit.bit;
  key.version = bit.source.version;
  switch (bit.track) {
    case signatures::Xbits::Track::source:
      key.first = bit.source.bytes;
      break;
    case signatures::Xbits::Track::destination:
      key.first = bit.destination.bytes;
      break;
    case signatures::Xbits::Track::pair:
      key.pair = 1;
      put_pair(key.first, key.second, bit.source, bit.destination);
      break;
  }
  return key;
}

bool HostTable::is_set(const signatures::HostBit& bit, signatures::Timestamp now) const {
  return bits_.get(bit_key(bit), now).has_value();
}

void HostTable::set(const signatures::HostBit& bit, signatures::Timestamp now, std::chrono::seconds expire) {
  // A bit does not count any more at the moment of its expiry.
  const Timestamp last = after(now, to_duration(expire)) - Duration(1);
  bits_.update(bit_key(bit), now, [&](BitState& state, bool) {
    state.expires = last;
    return true;
  });
}

void HostTable::unset(const signatures::HostBit& bit) {
  bits_.erase(bit_key(bit));
}

void HostTable::expire(Timestamp now) {
  constexpr std::size_t looked_at = 16;
  rates_.expire(now, looked_at);
  bits_.expire(now, looked_at);
}

HostTableCounters HostTable::counters() const {
  return {rates_.counters(), bits_.counters(), port_sets_.refused()};
}

}  // namespace lockstep
