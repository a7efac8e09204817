// What an operator said of addresses while the engine runs: prefixes that are blocked or allowed.
// AddressLists is what packets are asked against, immutable; AddressBook is what commands change, with
// expiry.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/options/value.hpp"

namespace lockstep {

enum class ListWord : std::uint8_t { none, block, allow };

class AddressLists {
 public:
  explicit AddressLists(const std::vector<std::pair<Prefix, ListWord>>& entries);

  // That of the longest prefix that holds the address. A binary search for each length of prefix in use.
  [[nodiscard]] ListWord of(const reassembly::Address& address) const;
  // A packet's: a block of either end counts before an allow of the other.
  [[nodiscard]] ListWord of(const reassembly::Address& source, const reassembly::Address& destination) const;

 private:
  struct Length {
    std::uint8_t version = 4;
    std::uint8_t bits = 0;
    std::vector<std::pair<reassembly::Address, ListWord>> prefixes;  // sorted
  };
  std::vector<Length> lengths_;  // longest first
};

class AddressBook {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most = 10'000;

  // In place of what was said of the same prefix before. False: there is no room.
  [[nodiscard]] bool put(Prefix prefix, ListWord word, std::optional<Time> until);
  // False: nothing was said of it.
  [[nodiscard]] bool remove(Prefix prefix);
  // Forgets what has run out. True: something has.
  bool expire(Time now);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::vector<std::pair<Prefix, ListWord>> entries() const;
  // Null: nothing is listed.
  [[nodiscard]] std::shared_ptr<const AddressLists> lists() const;

 private:
  struct Entry {
    ListWord word = ListWord::none;
    std::optional<Time> until;
  };
  std::map<std::pair<reassembly::Address, std::uint8_t>, Entry> entries_;  // by prefix and its bits
};

}  // namespace lockstep
