// How many flows each source prefix holds, and which of them has been idle longest. Answers in O(1) whom a
// full table gives up: the prefix with the most flows (of several, the one that came to that number last) and
// the head of its idle list. Memory is reserved at start for as many prefixes as there may be flows: 44 to 48
// bytes a flow. Not for several threads.
#pragma once
#include <cstdint>

#include "engine/flow_node.hpp"
#include "engine/pool.hpp"

namespace lockstep {

struct PrefixLengths {
  std::uint8_t v4 = 24;  // 0 to 32
  std::uint8_t v6 = 64;  // 0 to 64
};

class SourceLoad {
 public:
  SourceLoad(std::size_t flows, HashSeed seed, PrefixLengths lengths);
  ~SourceLoad();
  SourceLoad(const SourceLoad&) = delete;
  SourceLoad& operator=(const SourceLoad&) = delete;

  // Counts the node for the prefix of `source`, as its least idle. At most `flows` nodes may be in.
  void enter(FlowNode& node, const reassembly::Address& source);
  void leave(FlowNode& node);
  // Makes the node the least idle of its prefix.
  void refresh(FlowNode& node);

  [[nodiscard]] FlowNode* longest_idle_of_heaviest();  // nullptr when nothing is in
  [[nodiscard]] std::uint32_t count(const reassembly::Address& source) const;
  [[nodiscard]] std::uint32_t prefixes() const { return records_.in_use(); }

 private:
  static constexpr std::uint32_t none = 0;  // links are record number + 1

  struct Record {
    explicit Record(std::uint64_t record_prefix) : prefix(record_prefix) {}
    std::uint64_t prefix;
    FlowIdleList idle;  // longest idle first
    std::uint32_t count = 0;
    std::uint32_t bucket_next = none;
    std::uint32_t class_next = none;  // among the records of equal count
    std::uint32_t class_previous = none;
  };
  static_assert(sizeof(Record) == 40);

  [[nodiscard]] std::uint64_t prefix_of(const reassembly::Address& source) const;
  [[nodiscard]] std::size_t bucket_of(std::uint64_t prefix) const;
  [[nodiscard]] Record* find(std::uint64_t prefix) const;
  Record& find_or_make(std::uint64_t prefix);
  void remove(Record& record);
  void class_push(Record& record);
  void class_take(Record& record);

  Pool<Record> records_;
  ZeroedArray<std::uint32_t> buckets_;  // first record of each
  ZeroedArray<std::uint32_t> classes_;  // [n]: first record with n flows
  std::uint32_t heaviest_ = 0;  // the highest n with a record; a record's count moves by one at a time
  HashSeed seed_;
  PrefixLengths lengths_;
};

}  // namespace lockstep
