#include "engine/address_lists.hpp"

#include <algorithm>

namespace lockstep {

using reassembly::Address;

AddressLists::AddressLists(const std::vector<std::pair<Prefix, ListWord>>& entries) {
  for (const auto& entry : entries) {
    const Prefix& prefix = entry.first;
    auto length = std::find_if(lengths_.begin(), lengths_.end(), [&](const Length& one) {
      return one.version == prefix.address.version && one.bits == prefix.bits;
    });
    if (length == lengths_.end())
      length = lengths_.insert(lengths_.end(), {prefix.address.version, prefix.bits, {}});
    length->prefixes.emplace_back(masked(prefix.address, prefix.bits), entry.second);
  }
  for (Length& length : lengths_) std::sort(length.prefixes.begin(), length.prefixes.end());
  std::sort(lengths_.begin(), lengths_.end(),
            [](const Length& a, const Length& b) { return a.bits > b.bits; });
}

ListWord AddressLists::of(const Address& address) const {
  for (const Length& length : lengths_) {
    if (length.version != address.version) continue;
    const Address prefix = masked(address, length.bits);
    const auto found =
        std::lower_bound(length.prefixes.begin(), length.prefixes.end(), prefix,
                         [](const auto& entry, const Address& wanted) { return entry.first < wanted; });
    if (found != length.prefixes.end() && found->first == prefix) return found->second;
  }
  return ListWord::none;
}

ListWord AddressLists::of(const Address& source, const Address& destination) const {
  const ListWord one = of(source);
  const ListWord other = of(destination);
  if (one == ListWord::block || other == ListWord::block) return ListWord::block;
  return one == ListWord::none ? other : one;
}

bool AddressBook::put(Prefix prefix, ListWord word, std::optional<Time> until) {
  const std::pair key(masked(prefix.address, prefix.bits), prefix.bits);
  if (entries_.size() >= most && !entries_.contains(key)) return false;
  entries_[key] = {word, until};
  return true;
}

bool AddressBook::remove(Prefix prefix) {
  return entries_.erase({masked(prefix.address, prefix.bits), prefix.bits}) > 0;
}

bool AddressBook::expire(Time now) {
  return std::erase_if(entries_, [&](const auto& entry) {
           return entry.second.until && *entry.second.until <= now;
         }) > 0;
}

std::vector<std::pair<Prefix, ListWord>> AddressBook::entries() const {
  std::vector<std::pair<Prefix, ListWord>> all;
  for (const auto& [key, entry] : entries_) all.push_back({{key.first, key.second}, entry.word});
  return all;
}

std::shared_ptr<const AddressLists> AddressBook::lists() const {
  return entries_.empty() ? nullptr : std::make_shared<const AddressLists>(entries());
}

}  // namespace lockstep
