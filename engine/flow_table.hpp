// FlowKey → flow. A fixed number of flows, made at start; keyed hash, power-of-two buckets with the hash
// stored in the flow, deadlines in a timer wheel, a share for every source prefix. One table per worker,
// share-nothing.
//
// A connection that is not established counts for no prefix: such have a limit of their own, and push out
// only each other, so that a flood of them never costs an established flow.
//
// Costs: find O(1), and in batches without waiting for memory; touch O(1), a store; insert, erase, and giving
// up a flow of a full table O(1). Nothing is allocated after the constructor. Bytes per flow beside the flow
// itself: about 90 (buckets 8 to 16, prefix records 76 to 80).
//
//   FlowTable<Flow> table({.flows = 1'000'000}, seed);
//   const auto key = make_flow_key(segment, group);
//   const auto hash = table.hash(key);
//   Flow* flow = table.find(key, hash);
//   if (!flow) flow = &table.insert_unestablished(key, hash, now, [](Flow& idle) { reset(idle); });
//   table.touch(*flow, now);
//   if (!table.is_established(*flow)) table.establish(*flow, client, [](Flow& idle) { reset(idle); });
//   table.expire(now, 64, [](Flow& flow) { return timeout_of(flow); }, [](Flow& flow) { reset(flow); });
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <span>

#include "engine/flow_node.hpp"
#include "engine/pool.hpp"
#include "engine/source_load.hpp"

namespace lockstep {

struct FlowTableLimits {
  std::size_t flows = 262'144;         // established; at least 1
  std::size_t unestablished = 65'536;  // beside them; at least 1
  PrefixLengths prefixes{};
  // A flow that is given up has been idle at most this much shorter than the longest-idle one of its prefix:
  // the price of moving a flow in its idle list at most once in that time. 0 is exact.
  std::chrono::seconds idle_granularity{16};
};

struct FlowTableCounters {
  std::uint64_t inserted = 0;
  std::uint64_t expired = 0;
  std::uint64_t given_up = 0;                // established, for want of room
  std::uint64_t given_up_unestablished = 0;  // for want of room for their like
};

// The table but for the type of its flows.
class FlowIndex {
 public:
  FlowIndex(const FlowTableLimits& limits, HashSeed seed);
  ~FlowIndex();
  FlowIndex(const FlowIndex&) = delete;
  FlowIndex& operator=(const FlowIndex&) = delete;

  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const { return key.hash(seed_); }
  [[nodiscard]] FlowNode* find(const FlowKey& key, std::uint64_t hash);
  // First asks for what find() will read of any of these, then waits for none of it.
  void prefetch(std::span<const std::uint64_t> hashes) const;

  // `source` null: it is not established.
  void link(FlowNode& node, std::uint64_t hash, const reassembly::Address* source, Timestamp deadline);
  void unlink(FlowNode& node);
  void touch(FlowNode& node, Timestamp now);
  void schedule(FlowNode& node, Timestamp deadline) { wheel_.schedule(node, deadline); }
  [[nodiscard]] SourceLoad& load() { return load_; }
  [[nodiscard]] const SourceLoad& load() const { return load_; }
  [[nodiscard]] TimerWheel& wheel() { return wheel_; }
  [[nodiscard]] std::size_t bucket_count() const { return buckets_.size(); }
  template <class Visit>
  std::size_t visit_bucket(std::size_t bucket, Visit&& visit) {
    std::size_t visited = 0;
    for (auto node = set_.begin(bucket); node != set_.end(bucket); ++node, ++visited) visit(*node);
    return visited;
  }

 private:
  struct StoredHash {
    std::size_t operator()(const FlowNode&) const { return 0; }  // never asked: the caller brings the hash
  };
  struct SameKey {
    bool operator()(const FlowNode& a, const FlowNode& b) const { return a.key == b.key; }
    bool operator()(const FlowKey& a, const FlowNode& b) const { return a == b.key; }
  };
  using Set = boost::intrusive::unordered_set<
      FlowNode, boost::intrusive::base_hook<FlowBucketHook>, boost::intrusive::hash<StoredHash>,
      boost::intrusive::equal<SameKey>, boost::intrusive::power_2_buckets<true>,
      boost::intrusive::compare_hash<true>, boost::intrusive::constant_time_size<false>>;
  class Buckets {
   public:
    explicit Buckets(std::size_t count);
    [[nodiscard]] Set::bucket_ptr data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }

   private:
    Slab slab_;
    Set::bucket_ptr data_;
    std::size_t size_;
  };

  Buckets buckets_;
  Set set_;
  SourceLoad load_;
  TimerWheel wheel_;
  HashSeed seed_;
  std::uint32_t idle_granularity_;
};

template <std::derived_from<FlowNode> Flow>
class FlowTable {
 public:
  FlowTable(const FlowTableLimits& limits, HashSeed seed)
      : pool_(limits.flows + limits.unestablished), index_(limits, seed), limits_(limits) {}
  // Flows still in are destroyed without a word; clear() hands them over first.
  ~FlowTable() {
    clear([](Flow&) {});
  }
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const { return index_.hash(key); }

  [[nodiscard]] Flow* find(const FlowKey& key, std::uint64_t hash) {
    return static_cast<Flow*>(index_.find(key, hash));
  }
  // The same for a batch, in the time of the memory's bandwidth rather than its latency: call this with all
  // hashes, then find() each. Inserting and erasing between the two is allowed; it only wastes the effort.
  void prefetch(std::span<const std::uint64_t> hashes) const { index_.prefetch(hashes); }

  // The key must not be in. `source` is the address of the end that opened the connection: its prefix pays
  // for the flow. A full table first gives up the longest-idle flow of the prefix that holds most:
  // `give_up(Flow&)` sees it unlinked and alive, may use but not keep it, and must not call the table. The
  // first deadline is `now`; schedule() or the first expire() sets the real one.
  template <class GiveUp, class... Args>
  Flow& insert(const FlowKey& key, std::uint64_t hash, const reassembly::Address& source, Timestamp now,
               GiveUp&& give_up, Args&&... args) {
    make_room(give_up);
    return link(key, hash, &source, now, std::forward<Args>(args)...);
  }

  // The same for a connection that is not established; the longest idle of its like gives way.
  template <class GiveUp, class... Args>
  Flow& insert_unestablished(const FlowKey& key, std::uint64_t hash, Timestamp now, GiveUp&& give_up,
                             Args&&... args) {
    if (unestablished() == limits_.unestablished) {
      remove(static_cast<Flow&>(*index_.load().longest_idle_unestablished()), give_up);
      ++counters_.given_up_unestablished;
    }
    return link(key, hash, nullptr, now, std::forward<Args>(args)...);
  }

  // From now on the prefix of `source` pays for it. It holds nothing until the next hold().
  template <class GiveUp>
  void establish(Flow& flow, const reassembly::Address& source, GiveUp&& give_up) {
    make_room(give_up);
    index_.load().leave(flow);
    index_.load().enter(flow, source);
  }
  [[nodiscard]] bool is_established(const Flow& flow) const { return index_.load().is_established(flow); }

  // All flows hold `pieces` of a pool of theirs; what changed since the last call changed at this flow.
  void hold(Flow& flow, std::uint64_t pieces) { index_.load().hold(flow, pieces); }
  // The longest idle of those flows that hold pieces, of a prefix that holds most; nullptr: nothing is held.
  [[nodiscard]] Flow* greediest() { return static_cast<Flow*>(index_.load().longest_idle_of_greediest()); }
  [[nodiscard]] std::uint64_t pieces_beside(const Flow& flow) const {
    return index_.load().pieces_beside(flow);
  }

  void erase(Flow& flow) {
    index_.unlink(flow);
    pool_.release(flow);
  }

  // A packet of the flow came. The deadline is left as it is: expire() looks at last_seen() when it comes.
  void touch(Flow& flow, Timestamp now) { index_.touch(flow, now); }

  // Wanted only when a flow's time-out becomes shorter (its state changed): brings the deadline forward.
  void schedule(Flow& flow, Timestamp deadline) { index_.schedule(flow, deadline); }

  // Looks at the flows whose deadline has come, `budget` at most. `timeout_of(Flow&) -> Duration`: a
  // flow seen less than that ago gets a new deadline, any other is unlinked, handed to `expired(Flow&)` (as
  // give_up above) and destroyed. Returns how many it looked at; less than `budget` means that none is left.
  template <class TimeoutOf, class Expired>
  std::size_t expire(Timestamp now, std::size_t budget, TimeoutOf&& timeout_of, Expired&& expired) {
    return index_.wheel().advance(now, budget, [&](WheelNode& node) -> std::optional<Timestamp> {
      Flow& flow = static_cast<Flow&>(static_cast<FlowNode&>(node));
      const Timestamp deadline = saturating_add(flow.last_seen(), timeout_of(flow));
      if (deadline > now) return deadline;
      remove(flow, expired);
      ++counters_.expired;
      return std::nullopt;
    });
  }

  // A walk through the table in bounded slices: hands over the flows of some places from `place` on, `budget`
  // or few more, and gives the place to go on at; 0 when the walk has come to its end. `visit(Flow&)` must
  // not call the table. Flows that come between two slices may be missed.
  template <class Visit>
  [[nodiscard]] std::size_t walk(std::size_t place, std::size_t budget, Visit&& visit) {
    constexpr std::size_t cost_of_flow = 64;  // in empty places
    std::size_t cost = 0;
    while (place < index_.bucket_count() && cost < budget * cost_of_flow) {
      const std::size_t flows =
          index_.visit_bucket(place++, [&](FlowNode& node) { visit(static_cast<Flow&>(node)); });
      cost += 1 + flows * cost_of_flow;
    }
    return place < index_.bucket_count() ? place : 0;
  }

  // Hands every flow over, in the order of their places, which is one for all machines, and destroys it.
  template <class Gone>
  void clear(Gone&& gone) {
    remove_if([](const Flow&) { return true; }, gone);
  }
  // The same with those that `over(Flow&)` is true of.
  template <class Over, class Gone>
  void remove_if(Over&& over, Gone&& gone) {
    pool_.for_each([&](Flow& flow) {
      if (over(flow)) remove(flow, gone);
    });
  }

  [[nodiscard]] std::uint32_t size() const { return pool_.in_use(); }
  [[nodiscard]] std::uint32_t unestablished() const { return index_.load().unestablished_count(); }
  [[nodiscard]] std::uint32_t established() const { return size() - unestablished(); }
  [[nodiscard]] std::uint32_t capacity() const { return pool_.capacity(); }
  [[nodiscard]] std::uint32_t peak() const { return pool_.peak(); }
  [[nodiscard]] const FlowTableCounters& counters() const { return counters_; }
  [[nodiscard]] std::uint32_t flows_of(const reassembly::Address& source) const {
    return index_.load().count(source);
  }

 private:
  static Timestamp saturating_add(Timestamp time, Duration duration) {
    return time > Timestamp::max() - duration ? Timestamp::max() : time + duration;
  }

  template <class GiveUp>
  void make_room(GiveUp&& give_up) {
    if (established() < limits_.flows) return;
    remove(static_cast<Flow&>(*index_.load().longest_idle_of_heaviest()), give_up);
    ++counters_.given_up;
  }
  template <class Gone>
  void remove(Flow& flow, Gone&& gone) {
    index_.unlink(flow);
    gone(flow);
    pool_.release(flow);
  }
  template <class... Args>
  Flow& link(const FlowKey& key, std::uint64_t hash, const reassembly::Address* source, Timestamp now,
             Args&&... args) {
    Flow* flow = pool_.make(key, now, std::forward<Args>(args)...);
    index_.link(*flow, hash, source, now);
    ++counters_.inserted;
    return *flow;
  }

  Pool<Flow> pool_;
  FlowIndex index_;
  FlowTableLimits limits_;
  FlowTableCounters counters_;
};

}  // namespace lockstep
