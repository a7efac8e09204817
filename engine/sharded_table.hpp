// A bounded map shared by all workers: shards by keyed hash, each with its own lock and its own share of the
// entries, so that an answer depends on the order of the calls alone and not on how many threads make them.
// An entry lives until its `expires`; a full shard gives up its least recently used one, an expired one if
// there is one among the first few. Memory is reserved at start. Every call takes one lock for one look-up:
// not for each packet, but for what a rule that matched needs.
//
// Key: trivially copyable without padding (it is hashed and compared as bytes). Value: default-constructible,
// with a member `Timestamp expires`, the last moment at which the entry counts.
#pragma once
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "engine/flow_key.hpp"
#include "engine/pool.hpp"
#include "reassembly/time.hpp"

namespace lockstep {

using reassembly::Duration;
using reassembly::Timestamp;

struct ShardedTableCounters {
  std::uint64_t inserted = 0;
  std::uint64_t expired = 0;
  std::uint64_t given_up = 0;  // for want of room, before their time
};

template <class Key, class Value>
class ShardedTable {
  static_assert(std::has_unique_object_representations_v<Key>);

 public:
  static constexpr std::size_t shard_count = 16;

  // At least `entries` places, equally many in each shard.
  ShardedTable(std::size_t entries, HashSeed seed) : seed_(seed) {
    const std::size_t share = (entries + shard_count - 1) / shard_count;
    for (auto& shard : shards_) shard = std::make_unique<Shard>(share == 0 ? 1 : share);
  }

  // Calls `use(Value&, bool fresh)` under the lock, on the entry of the key or a new one, and gives its
  // answer. An entry whose `expires` lies before `now` afterwards is forgotten. `use` must not call the
  // table.
  template <class Use>
  auto update(const Key& key, Timestamp now, Use&& use) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    Entry* entry = shard.find(key, hash);
    if (entry != nullptr && entry->value.expires < now) {
      shard.remove(*entry);
      ++shard.counters.expired;
      entry = nullptr;
    }
    const bool fresh = entry == nullptr;
    if (fresh) entry = &shard.insert(key, hash, now);
    shard.used.splice(shard.used.end(), shard.used, Used::s_iterator_to(*entry));
    const auto answer = use(entry->value, fresh);
    if (entry->value.expires < now) shard.remove(*entry);
    return answer;
  }

  // A copy of the value, if it is in and has not expired. Does not count as use.
  [[nodiscard]] std::optional<Value> get(const Key& key, Timestamp now) const {
    const std::uint64_t hash = hash_of(key);
    const Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    const Entry* entry = shard.find(key, hash);
    if (entry == nullptr || entry->value.expires < now) return std::nullopt;
    return entry->value;
  }

  void erase(const Key& key) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(hash);
    const std::scoped_lock lock(shard.mutex);
    if (Entry* entry = shard.find(key, hash)) shard.remove(*entry);
  }

  // Looks at the `budget` least recently used entries of each shard and forgets those that have expired. They
  // would count no longer anyway: this only gives their places back early.
  void expire(Timestamp now, std::size_t budget) {
    for (auto& shard : shards_) {
      const std::scoped_lock lock(shard->mutex);
      auto next = shard->used.begin();
      for (std::size_t i = 0; i < budget && next != shard->used.end(); ++i) {
        Entry& entry = *next++;
        if (entry.value.expires >= now) continue;
        shard->remove(entry);
        ++shard->counters.expired;
      }
    }
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) {
      const std::scoped_lock lock(shard->mutex);
      total += shard->pool.in_use();
    }
    return total;
  }
  [[nodiscard]] std::size_t capacity() const { return shard_count * shards_[0]->pool.capacity(); }
  [[nodiscard]] ShardedTableCounters counters() const {
    ShardedTableCounters total;
    for (const auto& shard : shards_) {
      const std::scoped_lock lock(shard->mutex);
      total.inserted += shard->counters.inserted;
      total.expired += shard->counters.expired;
      total.given_up += shard->counters.given_up;
    }
    return total;
  }

 private:
  static constexpr std::uint32_t none = 0;  // links are place + 1

  struct Entry
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
    Entry(const Key& entry_key, std::uint64_t entry_hash) : key(entry_key), hash(entry_hash) {}
    Key key;
    std::uint64_t hash;
    Value value{};
    std::uint32_t next = none;
  };
  using Used = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;

  struct Shard {
    explicit Shard(std::size_t entries) : pool(entries), buckets(std::bit_ceil(entries)) {}
    ~Shard() {
      while (!used.empty()) remove(used.front());
    }
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    // The low bits choose the shard.
    [[nodiscard]] std::size_t bucket(std::uint64_t hash) const {
      return hash / shard_count & (buckets.size() - 1);
    }

    [[nodiscard]] Entry* find(const Key& key, std::uint64_t hash) const {
      for (std::uint32_t link = buckets[bucket(hash)]; link != none;) {
        Entry& entry = pool[link - 1];
        if (entry.hash == hash && entry.key == key) return &entry;
        link = entry.next;
      }
      return nullptr;
    }

    Entry& insert(const Key& key, std::uint64_t hash, Timestamp now) {
      if (pool.full()) make_room(now);
      Entry* entry = pool.make(key, hash);
      std::uint32_t& head = buckets[bucket(hash)];
      entry->next = head;
      head = pool.index_of(*entry) + 1;
      used.push_back(*entry);
      ++counters.inserted;
      return *entry;
    }

    void remove(Entry& entry) {
      std::uint32_t* link = &buckets[bucket(entry.hash)];
      while (*link != pool.index_of(entry) + 1) link = &pool[*link - 1].next;
      *link = entry.next;
      used.erase(Used::s_iterator_to(entry));
      pool.release(entry);
    }

    void make_room(Timestamp now) {
      constexpr int looked_at = 8;
      auto candidate = used.begin();
      for (int i = 0; i < looked_at && candidate != used.end(); ++i, ++candidate) {
        if (candidate->value.expires >= now) continue;
        remove(*candidate);
        ++counters.expired;
        return;
      }
      remove(used.front());
      ++counters.given_up;
    }

    mutable std::mutex mutex;
    Pool<Entry> pool;
    ZeroedArray<std::uint32_t> buckets;
    Used used;  // least recently first
    ShardedTableCounters counters;
  };

  [[nodiscard]] std::uint64_t hash_of(const Key& key) const {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof(Key)>>(key);
    return keyed_hash(bytes, seed_);
  }
  [[nodiscard]] Shard& shard_of(std::uint64_t hash) const { return *shards_[hash % shard_count]; }

  std::array<std::unique_ptr<Shard>, shard_count> shards_;
  HashSeed seed_;
};

}  // namespace lockstep
