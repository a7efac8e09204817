// What each source prefix holds: flows, and pieces of the pool that all flows share. Answers in O(1) whom a
// full table gives up: the prefix with the most flows (of several, the one that came to that number last) and
// its longest-idle flow; and whom a full pool gives up: a prefix with the most pieces, to a factor of two,
// and the longest idle of its flows that hold any. Flows of connections that are not established count for no
// prefix but for one share of all such. Memory is reserved at start for as many prefixes as there may be
// flows: 76 to 80 bytes a flow. Not for several threads.
#pragma once
#include <array>
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

  // Counts the node for the prefix of `source`, as its least idle, and holding nothing. At most `flows` nodes
  // may be in for prefixes.
  void enter(FlowNode& node, const reassembly::Address& source);
  void enter_unestablished(FlowNode& node);
  // What it holds leaves with it.
  void leave(FlowNode& node);
  // Makes the node the least idle of its prefix.
  void refresh(FlowNode& node);
  // All nodes together hold `pieces` now; what changed since the last call changed at this one.
  void hold(FlowNode& node, std::uint64_t pieces);

  [[nodiscard]] FlowNode* longest_idle_of_heaviest();  // nullptr when no prefix has any
  [[nodiscard]] FlowNode* longest_idle_unestablished();
  [[nodiscard]] FlowNode* longest_idle_of_greediest();  // nullptr when nothing is held
  [[nodiscard]] bool is_established(const FlowNode& node) const { return node.source_ != unestablished; }
  [[nodiscard]] std::uint32_t unestablished_count() const { return records_[unestablished].count; }
  // Held by all flows that share the prefix of this one.
  [[nodiscard]] std::uint64_t pieces_beside(const FlowNode& node) const {
    return records_[node.source_].pieces;
  }
  [[nodiscard]] std::uint32_t count(const reassembly::Address& source) const;
  [[nodiscard]] std::uint32_t prefixes() const { return records_.in_use() - 1; }

 private:
  static constexpr std::uint32_t none = 0;           // links are record number + 1
  static constexpr std::uint32_t unestablished = 0;  // number of the record that is no prefix

  // Among the records of one class, of counts or of pieces.
  struct ClassLinks {
    std::uint32_t next = none;
    std::uint32_t previous = none;
  };
  struct Record {
    explicit Record(std::uint64_t record_prefix) : prefix(record_prefix) {}
    std::uint64_t prefix;
    FlowIdleList idle;     // those that hold nothing, longest idle first
    FlowIdleList holders;  // those that hold pieces, longest idle first
    std::uint64_t pieces = 0;
    std::uint32_t count = 0;
    std::uint32_t bucket_next = none;
    ClassLinks of_count;   // among the records of equal count
    ClassLinks of_pieces;  // among those whose pieces need as many bits
  };
  static_assert(sizeof(Record) == 72);

  [[nodiscard]] std::uint64_t prefix_of(const reassembly::Address& source) const;
  [[nodiscard]] std::size_t bucket_of(std::uint64_t prefix) const;
  [[nodiscard]] Record* find(std::uint64_t prefix) const;
  Record& find_or_make(std::uint64_t prefix);
  void remove(Record& record);
  [[nodiscard]] FlowNode* longest_idle(Record& record);
  [[nodiscard]] static FlowIdleList& list_of(Record& record, const FlowNode& node) {
    return node.pieces_ == 0 ? record.idle : record.holders;
  }
  void enter(FlowNode& node, Record& record);
  void count(Record& record, std::uint32_t count);
  void weigh(Record& record, std::uint64_t pieces);
  void push(std::uint32_t& head, Record& record, ClassLinks Record::*links);
  void take(std::uint32_t& head, Record& record, ClassLinks Record::*links);

  Pool<Record> records_;
  ZeroedArray<std::uint32_t> buckets_;  // first record of each
  ZeroedArray<std::uint32_t> classes_;  // [n]: first record with n flows
  std::uint32_t heaviest_ = 0;  // the highest n with a record; a record's count moves by one at a time
  std::array<std::uint32_t, 65> piece_classes_{};  // [n]: first record whose pieces have n bits
  std::uint64_t pieces_ = 0;                       // of all
  HashSeed seed_;
  PrefixLengths lengths_;
};

}  // namespace lockstep
