// What is remembered of hosts rather than of flows: how often rules matched (threshold, detection_filter,
// rate_filter) and the bits that rules set (xbits, hostbits). One for all workers, locked by shard, bounded,
// with the same answers for one and for many workers as far as the order of the packets is the same. Touched
// only after a rule matched. Meaning: Suricata's, with the corners as the functions below say.
#pragma once
#include <bitset>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "engine/sharded_table.hpp"
#include "signatures/host_state.hpp"
#include "signatures/rate_control.hpp"
#include "signatures/rule.hpp"

namespace lockstep {

struct HostTableLimits {
  std::size_t rates = 100'000;  // counted (rule, host) pairs, about 150 bytes each
  std::size_t bits = 65'536;    // bits set, about 100 bytes each
  std::size_t port_sets = 256;  // windows of `unique_on`, 8 KiB each
};

// The packet that matched.
struct RatePacket {
  Timestamp now;
  signatures::Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::optional<std::uint64_t> flow;  // a number that no other flow of any worker has
};

// What a rule may do after it was counted.
enum class RateAnswer : std::uint8_t {
  neither,  // below the count: as if the rule had not matched, but for its flowbits
  silent,   // act without an alert
  alert,    // act and alert
};
[[nodiscard]] std::string_view name(RateAnswer answer);

struct HostTableCounters {
  ShardedTableCounters rates, bits;
  std::uint64_t port_sets_refused = 0;  // then every hit of a `unique_on` window counts
};

class HostTable final : public signatures::HostState {
 public:
  HostTable(const HostTableLimits& limits, HashSeed seed);
  ~HostTable() override;

  // One hit of the rule. A window starts at the first hit and ends `seconds` later, that moment included; the
  // first hit behind its end starts the next one. N = count:
  //   limit             hits 1 to N alert, later ones are silent
  //   threshold         hit N alerts and starts the count anew; others neither. The hit that starts a window
  //   other
  //                     than the first counts as 1 and never alerts, even for N = 1
  //   both              hit N alerts, later ones are silent, earlier ones neither
  //   detection_filter  hits from N+1 on alert, others neither; with `unique_on` hits from another port
  //   count, and
  //                     any hit alerts once N+1 ports have come
  //   backoff           hits N, N·M, N·M², … alert, those between and before are silent but before N, which
  //   are
  //                     neither; no window: a flow's count ends when it had no hit for five days
  // by_both takes the two hosts in either order. by_flow without a flow: neither. A window is remembered for
  // its length once more after its end, so that "first" means the first in that time.
  [[nodiscard]] RateAnswer hit(const signatures::RuleId& rule, const signatures::Threshold& threshold,
                               const RatePacket& packet);

  // One hit of a rule with a rate_filter: whether the new action holds for it. It does from hit N+1 of a
  // window on for `timeout`; hits in that time are not counted, nor is the first one after it, if it comes
  // within `seconds`.
  [[nodiscard]] bool exceeds(const signatures::RuleId& rule, const signatures::RateFilter& filter,
                             const RatePacket& packet);

  // A host's bit is one whether it was set as the source or as the destination of a packet; a pair's bit is
  // another.
  [[nodiscard]] bool is_set(const signatures::HostBit& bit, signatures::Timestamp now) const override;
  void set(const signatures::HostBit& bit, signatures::Timestamp now, std::chrono::seconds expire) override;
  void unset(const signatures::HostBit& bit) override;

  // Gives places of what has expired back, some of each shard: now and then, from any thread.
  void expire(Timestamp now);

  [[nodiscard]] HostTableCounters counters() const;

 private:
  using PortSet = std::bitset<65'536>;
  // The few large sets of `unique_on`, shared by the shards.
  class PortSets {
   public:
    explicit PortSets(std::size_t count) : pool_(count) {}
    [[nodiscard]] PortSet* take();
    void give_back(PortSet& set);
    [[nodiscard]] std::uint64_t refused() const;

   private:
    mutable std::mutex mutex_;
    Pool<PortSet> pool_;
  };
  struct GiveBack {
    GiveBack() : owner(nullptr) {}
    explicit GiveBack(PortSets& sets) : owner(&sets) {}
    PortSets* owner;
    void operator()(PortSet* set) const { owner->give_back(*set); }
  };

  struct RateKey {
    std::array<std::uint8_t, 16> first{}, second{};
    std::uint64_t flow = 0;
    std::uint32_t gid = 0, sid = 0, rev = 0;
    std::uint8_t use = 0;  // threshold or rate_filter
    std::uint8_t track = 0;
    std::uint8_t version = 0;
    std::uint8_t reserved = 0;
    bool operator==(const RateKey&) const = default;
  };
  struct RateState {
    Timestamp expires;
    Timestamp start;                        // of the window
    std::optional<Timestamp> acting_since;  // rate_filter: the new action holds
    std::uint64_t next = 0;                 // backoff: the count that alerts next
    std::uint32_t count = 0;
    std::unique_ptr<PortSet, GiveBack> ports;
  };
  struct BitKey {
    std::array<std::uint8_t, 16> first{}, second{};
    std::uint32_t bit = 0;
    std::uint8_t pair = 0;
    std::uint8_t version = 0;
    std::uint16_t reserved = 0;
    bool operator==(const BitKey&) const = default;
  };
  struct BitState {
    Timestamp expires;
  };

  [[nodiscard]] static RateKey rate_key(const signatures::RuleId& rule, std::uint8_t use,
                                        signatures::Threshold::Track track, const RatePacket& packet);
  [[nodiscard]] static BitKey bit_key(const signatures::HostBit& bit);
  [[nodiscard]] static RateAnswer count_in_window(const signatures::Threshold& threshold, RateState& state,
                                                  bool first_window, bool new_window);
  [[nodiscard]] static RateAnswer back_off(const signatures::Threshold& threshold, RateState& state,
                                           bool fresh);
  void count_port(const signatures::Threshold& threshold, RateState& state, bool new_window,
                  const RatePacket& packet);

  PortSets port_sets_;  // outlives the states that hold some
  ShardedTable<RateKey, RateState> rates_;
  ShardedTable<BitKey, BitState> bits_;
};

}  // namespace lockstep
