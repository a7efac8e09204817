// What a flow carries so that the tables can hold it: key, stored hash, links, time of the last packet. The
// record of a connection derives from it. 128 bytes: the first cache line is all that a look-up reads.
#pragma once
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "engine/flow_key.hpp"
#include "engine/timer_wheel.hpp"

namespace lockstep {

using FlowBucketHook =
    boost::intrusive::unordered_set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>,
                                              boost::intrusive::store_hash<true>>;
struct IdleTag;
using FlowIdleHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<IdleTag>,
                                     boost::intrusive::link_mode<boost::intrusive::normal_link>>;

struct KeyedNode : FlowBucketHook {
  explicit KeyedNode(const FlowKey& flow_key) : key(flow_key) {}
  FlowKey key;
};
static_assert(sizeof(KeyedNode) == 64);

class alignas(64) FlowNode : public KeyedNode, public FlowIdleHook, public WheelNode {
 public:
  FlowNode(const FlowKey& flow_key, Timestamp now) : KeyedNode(flow_key), last_seen_(now) {}
  FlowNode(const FlowNode&) = delete;
  FlowNode& operator=(const FlowNode&) = delete;

  [[nodiscard]] Timestamp last_seen() const { return last_seen_; }

 private:
  friend class FlowIndex;
  friend class SourceLoad;
  Timestamp last_seen_;
  std::uint32_t source_ = 0;         // number of its source prefix's record
  std::uint32_t placed_second_ = 0;  // when it last went to the end of its prefix's idle list, modulo 2^32
  std::uint32_t pieces_ = 0;         // of the shared pool that it holds
};
static_assert(sizeof(FlowNode) == 128);

using FlowIdleList = boost::intrusive::list<FlowNode, boost::intrusive::base_hook<FlowIdleHook>,
                                            boost::intrusive::constant_time_size<false>>;

}  // namespace lockstep
