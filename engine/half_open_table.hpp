// Connections of which only SYNs were seen, apart from the flows: small records, their own bound, so that a
// flood of SYNs never pushes an established flow out. Nothing is given up for a newcomer: when the table is
// full a SYN passes without state and is counted, and the SYN-ACK creates the flow (EVASIONS H08, H31).
// Insert, look-up, removal O(1). Not for several threads.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "engine/flow_key.hpp"
#include "engine/pool.hpp"
#include "engine/verdict.hpp"
#include "reassembly/handshake.hpp"
#include "reassembly/segment.hpp"
#include "reassembly/time.hpp"
#include "signatures/flow_state.hpp"

namespace lockstep {

// What the tables keep of such a connection.
class HalfOpenRecord
    : public boost::intrusive::unordered_set_base_hook<
          boost::intrusive::link_mode<boost::intrusive::normal_link>, boost::intrusive::store_hash<true>>,
      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  HalfOpenRecord(const FlowKey& flow_key, reassembly::Timestamp now)
      : key(flow_key), first_seen_(now), last_seen_(now) {}
  HalfOpenRecord(const HalfOpenRecord&) = delete;
  HalfOpenRecord& operator=(const HalfOpenRecord&) = delete;

  [[nodiscard]] reassembly::Timestamp first_seen() const { return first_seen_; }
  [[nodiscard]] reassembly::Timestamp last_seen() const { return last_seen_; }

  const FlowKey key;
  reassembly::HalfOpen handshake;
  bool client_is_low = false;          // the side that sent the first SYN
  std::uint8_t packets_to_server = 0;  // saturating; the flow's counts go on from here
  std::uint8_t packets_to_client = 0;
  bool asked = false;                 // rules of addresses alone have judged the client's direction
  Final final_verdict = Final::none;  // by a rule that matched a SYN: none, passed or bypassed
  std::uint16_t rules_epoch = 0;      // Inspector::epoch() at the last SYN
  std::uint32_t bytes_to_server = 0;
  std::uint32_t bytes_to_client = 0;
  signatures::FlowState state;  // what rules that matched a SYN remember; the flow goes on with it

 private:
  friend class HalfOpenTable;
  reassembly::Timestamp first_seen_;
  reassembly::Timestamp last_seen_;
};
static_assert(sizeof(HalfOpenRecord) <= 192);

struct HalfOpenLimits {
  std::size_t connections = 65'536;  // at least 1
  std::chrono::seconds timeout{60};  // since the last SYN: Suricata's flow-timeouts tcp new
};

class HalfOpenTable {
 public:
  HalfOpenTable(const HalfOpenLimits& limits, HashSeed seed);
  ~HalfOpenTable();
  HalfOpenTable(const HalfOpenTable&) = delete;
  HalfOpenTable& operator=(const HalfOpenTable&) = delete;

  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const { return key.hash(seed_); }
  [[nodiscard]] HalfOpenRecord* find(const FlowKey& key, std::uint64_t hash);
  // The record of the key, made if it is not in; seen now. nullptr when it is not in and the table is full
  // even after those whose time is up made room: let the SYN pass without state.
  [[nodiscard]] HalfOpenRecord* find_or_insert(const FlowKey& key, std::uint64_t hash,
                                               reassembly::Timestamp now);
  void remove(HalfOpenRecord& record);

  // Forgets records whose last SYN is `timeout` old or older, oldest first, `budget` at most; calls
  // `forgotten(const HalfOpenRecord&)` for each. Returns how many.
  template <class Forgotten>
  std::size_t expire(reassembly::Timestamp now, std::size_t budget, Forgotten&& forgotten) {
    std::size_t done = 0;
    for (; done < budget && oldest_expired(now); ++done) {
      forgotten(std::as_const(age_.front()));
      forget_oldest();
    }
    return done;
  }

  [[nodiscard]] std::uint32_t size() const { return pool_.in_use(); }
  [[nodiscard]] std::uint32_t capacity() const { return pool_.capacity(); }
  [[nodiscard]] std::uint32_t peak() const { return pool_.peak(); }
  [[nodiscard]] std::uint64_t refused() const { return pool_.refused(); }  // SYNs that passed without state
  // Every SYN that may still be answered is in: none passed without state for as long as one is kept.
  [[nodiscard]] bool complete(reassembly::Timestamp now) const {
    return pool_.refused() == 0 || now >= last_refused_ + timeout_;
  }
  [[nodiscard]] std::uint64_t expired() const { return expired_; }

 private:
  struct StoredHash {
    std::size_t operator()(const HalfOpenRecord&) const {
      return 0;
    }  // never asked: the caller brings the hash
  };
  struct SameKey {
    bool operator()(const HalfOpenRecord& a, const HalfOpenRecord& b) const { return a.key == b.key; }
    bool operator()(const FlowKey& a, const HalfOpenRecord& b) const { return a == b.key; }
  };
  using Set = boost::intrusive::unordered_set<
      HalfOpenRecord, boost::intrusive::hash<StoredHash>, boost::intrusive::equal<SameKey>,
      boost::intrusive::power_2_buckets<true>, boost::intrusive::compare_hash<true>,
      boost::intrusive::constant_time_size<false>>;
  using Age = boost::intrusive::list<HalfOpenRecord, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] bool oldest_expired(reassembly::Timestamp now) const;
  void forget_oldest();

  Pool<HalfOpenRecord> pool_;
  std::unique_ptr<Set::bucket_type[]> buckets_;
  Set set_;
  Age age_;  // last SYN longest ago first
  HashSeed seed_;
  reassembly::Duration timeout_;
  reassembly::Timestamp last_refused_{};
  std::uint64_t expired_ = 0;
};

}  // namespace lockstep
