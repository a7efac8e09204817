#include "engine/hairpins.hpp"

namespace lockstep {
namespace {

using namespace std::chrono_literals;

constexpr auto lifetime = 1s;
constexpr auto watch = 60s;

}  // namespace

void Hairpins::left(std::span<const std::uint8_t> tcp, reassembly::Timestamp now) {
  if (!watching(now)) return;
  const std::uint64_t hash = keyed_hash(tcp, seed_);
  entry_of(hash) = {hash, now};
}

bool Hairpins::returns(std::span<const std::uint8_t> tcp, reassembly::Timestamp now) {
  watch_until_ = now + watch;
  if (table_.empty()) {
    table_.resize(entries);
    return false;
  }
  const std::uint64_t hash = keyed_hash(tcp, seed_);
  Entry& entry = entry_of(hash);
  if (entry.hash != hash || now - entry.at > lifetime) return false;
  entry = {};  // once
  return true;
}

}  // namespace lockstep
