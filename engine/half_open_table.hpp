// Connections of which only SYNs were seen, apart from the flows: small records, their own bound, so that a
// flood of SYNs never pushes an established flow out. Nothing is given up for a newcomer: when the table is
// full a SYN passes without state and is counted, and the SYN-ACK creates the flow (EVASIONS H08, H31).
// Insert, look-up, removal O(1). Not for several threads.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "engine/flow_key.hpp"
#include "engine/pool.hpp"
#include "reassembly/segment.hpp"
#include "reassembly/time.hpp"

namespace lockstep {

// One SYN that the SYN-ACK may answer, as it was forwarded.
struct SynCandidate {
  reassembly::Seq iss;
  std::uint32_t timestamp_value = 0;
  std::uint16_t mss = 0;
  std::uint16_t window = 0;  // of the SYN itself, never scaled (RFC 7323 §2.2)
  std::uint8_t window_scale = 0;
  bool from_low : 1 = false;  // sent by the key's low endpoint; a simultaneous open has candidates of both
  bool has_timestamps : 1 = false;
  bool has_mss : 1 = false;
  bool has_window_scale : 1 = false;
  bool sack_permitted : 1 = false;
  bool md5 : 1 = false;
  bool ao : 1 = false;

  bool operator==(const SynCandidate&) const = default;
};
static_assert(sizeof(SynCandidate) == 16);

[[nodiscard]] SynCandidate make_syn_candidate(const reassembly::Segment& segment);

// The SYNs of one connection. A decoy must not push the real one out: when the places are taken further SYNs
// with other numbers are refused.
class HalfOpen
    : public boost::intrusive::unordered_set_base_hook<
          boost::intrusive::link_mode<boost::intrusive::normal_link>, boost::intrusive::store_hash<true>>,
      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  static constexpr std::size_t max_candidates = 4;
  enum class Added : std::uint8_t { added, repeated, full };

  HalfOpen(const FlowKey& flow_key, reassembly::Timestamp now)
      : key(flow_key), first_seen_(now), last_seen_(now) {}
  HalfOpen(const HalfOpen&) = delete;
  HalfOpen& operator=(const HalfOpen&) = delete;

  // A SYN with the number of one already kept, from the same end, counts as its repeat and replaces its
  // fields.
  [[nodiscard]] Added add(const SynCandidate& candidate);
  [[nodiscard]] std::span<const SynCandidate> candidates() const { return {candidates_.data(), count_}; }
  // The SYN of the other end that a SYN-ACK with this acknowledgement answers (RFC 9293 §3.10.7.3: ISS + 1).
  [[nodiscard]] const SynCandidate* answered_by(reassembly::Seq ack, bool syn_ack_from_low) const;

  [[nodiscard]] reassembly::Timestamp first_seen() const { return first_seen_; }
  [[nodiscard]] reassembly::Timestamp last_seen() const { return last_seen_; }

  const FlowKey key;

 private:
  friend class HalfOpenTable;
  reassembly::Timestamp first_seen_;
  reassembly::Timestamp last_seen_;
  std::array<SynCandidate, max_candidates> candidates_{};
  std::uint8_t count_ = 0;
};
static_assert(sizeof(HalfOpen) <= 168);

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
  [[nodiscard]] HalfOpen* find(const FlowKey& key, std::uint64_t hash);
  // The record of the key, made if it is not in; seen now. nullptr when it is not in and the table is full
  // even after those whose time is up made room: let the SYN pass without state.
  [[nodiscard]] HalfOpen* find_or_insert(const FlowKey& key, std::uint64_t hash, reassembly::Timestamp now);
  void remove(HalfOpen& record);

  // Forgets records whose last SYN is `timeout` old or older, oldest first, `budget` at most; calls
  // `forgotten(const HalfOpen&)` for each. Returns how many.
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
  [[nodiscard]] std::uint64_t expired() const { return expired_; }

 private:
  struct StoredHash {
    std::size_t operator()(const HalfOpen&) const { return 0; }  // never asked: the caller brings the hash
  };
  struct SameKey {
    bool operator()(const HalfOpen& a, const HalfOpen& b) const { return a.key == b.key; }
    bool operator()(const FlowKey& a, const HalfOpen& b) const { return a == b.key; }
  };
  using Set = boost::intrusive::unordered_set<
      HalfOpen, boost::intrusive::hash<StoredHash>, boost::intrusive::equal<SameKey>,
      boost::intrusive::power_2_buckets<true>, boost::intrusive::compare_hash<true>,
      boost::intrusive::constant_time_size<false>>;
  using Age = boost::intrusive::list<HalfOpen, boost::intrusive::constant_time_size<false>>;

  [[nodiscard]] bool oldest_expired(reassembly::Timestamp now) const;
  void forget_oldest();

  Pool<HalfOpen> pool_;
  std::unique_ptr<Set::bucket_type[]> buckets_;
  Set set_;
  Age age_;  // last SYN longest ago first
  HashSeed seed_;
  reassembly::Duration timeout_;
  std::uint64_t expired_ = 0;
};

}  // namespace lockstep
