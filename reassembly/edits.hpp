// What a packet must be changed into before it may go out. A value: the session says it, rewrite() does it,
// in place, checksums incrementally (RFC 1624). Each kind of edit that took place is counted by name.
#pragma once
#include <cstdint>
#include <span>

#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

struct Edits {
  std::uint32_t trim_front = 0;  // payload bytes taken away at the left; the sequence number moves with them
  std::uint32_t trim_back = 0;   // payload bytes taken away at the right
  std::uint8_t clear_flags = 0;  // TcpFlag bits to clear; URG also zeroes the urgent pointer
  bool zero_urgent = false;      // urgent pointer set without URG (EVASIONS U03)
  bool zero_ack = false;         // acknowledgment number on a SYN without ACK (EVASIONS H09)
  bool strip_fast_open = false;  // NOP-fill the option, RFC 7413
  bool strip_mptcp = false;      // NOP-fill MP_CAPABLE, RFC 8684 fallback
  bool strip_unknown = false;    // NOP-fill options of unnamed kinds; used on SYN and SYN-ACK only
  bool clamp_window_scale = false;  // write 14 for anything larger, RFC 7323 §2.3
  bool payload_changed = false;  // the payload bytes were overwritten in the frame: the checksum must follow
  std::uint8_t to_bare = 0;      // becomes a zero-length segment with these flags and the numbers below
  Seq bare_seq{};
  Seq bare_ack{};

  [[nodiscard]] bool any() const {
    return trim_front != 0 || trim_back != 0 || clear_flags != 0 || zero_urgent || zero_ack ||
           strip_fast_open || strip_mptcp || strip_unknown || clamp_window_scale || payload_changed ||
           to_bare != 0;
  }
};

}  // namespace lockstep::reassembly
