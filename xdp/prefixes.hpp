// Prefixes that the kernel blocks or allows, of both families, by the hundred thousand. One thread.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "xdp/lockstep.h"
#include "xdp/shared_map.hpp"

namespace lockstep::xdp {

struct Prefix {
  std::array<std::uint8_t, 16> address{};  // IPv4: the first four bytes; bits behind the length don't count
  std::uint8_t version = 4;
  std::uint8_t length = 32;
  bool allow = false;  // else block
};

class Prefixes {
 public:
  // Of an attached program.
  [[nodiscard]] static tl::expected<Prefixes, std::string> open(const std::string& pins);

  // These take the place of those in force, at once for all packets; the longest prefix counts, and of one
  // that is given twice the later. The error (more of them than the maps hold) leaves the old ones in force.
  [[nodiscard]] tl::expected<void, std::string> replace(std::span<const Prefix> prefixes, ls_config& config);

 private:
  Prefixes() = default;
  void clear(std::uint32_t table);
  void put(std::uint32_t table, const Prefix& prefix, std::uint32_t says);
  void fill_front4(std::uint32_t table, const std::vector<Prefix>& longest_last);
  void fill_front6(std::uint32_t table, std::span<const Prefix> prefixes);
  void note_lengths(std::uint32_t table, std::span<const Prefix> prefixes);

  Elements<std::uint64_t> front20_, front24_, front48_, front32_;
  Elements<ls_lengths> lengths_;
  Elements<ls_slot4> exact4_;
  Elements<ls_slot6> exact6_;
  bool too_many_ = false;
};

}  // namespace lockstep::xdp
