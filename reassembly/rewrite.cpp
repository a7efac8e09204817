#include "reassembly/rewrite.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/tcp_options.hpp"

namespace lockstep::reassembly {
namespace {

constexpr std::size_t ethernet_minimum = 60;  // without the frame check sequence

// Places in the TCP header, RFC 9293 §3.1.
constexpr std::uint32_t seq_at = 4, ack_at = 8, flags_at = 12, checksum_at = 16, urgent_at = 18,
                        options_at = 20;

// One TCP header under edit: every store is followed by the checksum, at even and odd places alike.
class HeaderEditor {
 public:
  explicit HeaderEditor(std::uint8_t* header) : header_(header) {}

  void set16(std::uint32_t at, std::uint16_t value) {
    update_checksum(header_ + checksum_at, load16(header_ + at), value);
    store16(header_ + at, value);
  }
  void set32(std::uint32_t at, std::uint32_t value) {
    set16(at, static_cast<std::uint16_t>(value >> 16));
    set16(at + 2, static_cast<std::uint16_t>(value));
  }
  void set8(std::uint32_t at, std::uint8_t value) {
    const std::uint16_t word = load16(header_ + (at & ~1U));
    set16(at & ~1U,
          static_cast<std::uint16_t>((at & 1U) != 0 ? (word & 0xff00) | value : (word & 0xff) | value << 8));
  }
  void blank(std::uint32_t at, std::uint32_t length) {
    for (std::uint32_t i = at; i < at + length; ++i) set8(i, tcp_option::no_operation);
  }

 private:
  std::uint8_t* header_;
};

bool must_be_blanked(std::span<const std::uint8_t> option, const Edits& edits) {
  return (edits.strip_fast_open && is_fast_open(option)) || (edits.strip_mptcp && is_mp_capable(option)) ||
         (edits.strip_unknown && is_unknown_kind(option));
}

// The list parsed cleanly in decode(), so its lengths are true.
void edit_options(std::uint8_t* header, std::uint32_t end, const Edits& edits) {
  HeaderEditor editor(header);
  std::uint32_t at = options_at;
  while (at < end && header[at] != tcp_option::end_of_list) {
    if (header[at] == tcp_option::no_operation) {
      ++at;
      continue;
    }
    const std::uint32_t length = header[at + 1];
    if (must_be_blanked({header + at, length}, edits)) {
      editor.blank(at, length);
    } else if (edits.clamp_window_scale && header[at] == tcp_option::window_scale) {
      editor.set8(at + 2, std::min(header[at + 2], largest_window_scale));
    }
    at += length;
  }
}

void edit_header(std::uint8_t* header, const Segment& segment, const Edits& edits) {
  HeaderEditor editor(header);
  const auto left = static_cast<std::uint8_t>(segment.flags.bits & ~edits.clear_flags);
  if (left != segment.flags.bits) {
    editor.set16(flags_at, static_cast<std::uint16_t>((header[flags_at] << 8) | left));
  }
  if (edits.zero_urgent || (edits.clear_flags & TcpFlag::urg) != 0) editor.set16(urgent_at, 0);
  if (edits.zero_ack) editor.set32(ack_at, 0);
  if (edits.trim_front != 0 && (left & TcpFlag::syn) == 0) {
    editor.set32(seq_at, segment.seq.plus(edits.trim_front).value());
  }
  const bool options =
      edits.strip_fast_open || edits.strip_mptcp || edits.strip_unknown || edits.clamp_window_scale;
  if (options) edit_options(header, segment.layout.payload - segment.layout.tcp, edits);
}

// The checksum of the TCP packet [tcp, end) made anew. The pseudo header's addresses are those of the IP
// header: no routing header with segments left gets past decode().
void seal(std::uint8_t* frame, const Segment& segment, std::uint32_t end) {
  const Layout& layout = segment.layout;
  std::uint8_t* header = frame + layout.tcp;
  const std::uint32_t length = end - layout.tcp;
  const std::uint8_t* ip = frame + layout.ip;
  const auto addresses =
      segment.ip.version == 4 ? std::span<const std::uint8_t>(ip + 12, 8) : std::span(ip + 8, 32);
  store16(header + checksum_at, 0);
  store_checksum(header + checksum_at,
                 pseudo_header_sum(addresses, 6, length) + checksum_sum({header, length}));
}

void make_bare(std::uint8_t* header, const Edits& edits) {
  store32(header + seq_at, edits.bare_seq.value());
  store32(header + ack_at, edits.bare_ack.value());
  store16(header + flags_at, static_cast<std::uint16_t>(5U << 12U | edits.to_bare));
  store16(header + urgent_at, 0);
}

}  // namespace

void set_packet_end(std::uint8_t* frame, std::uint32_t ip, std::uint32_t pppoe, std::uint32_t end) {
  std::uint8_t* header = frame + ip;
  if (header[0] >> 4 == 4) {
    const std::uint16_t before = load16(header + 2);
    const auto after = static_cast<std::uint16_t>(end - ip);
    store16(header + 2, after);
    update_checksum(header + 10, before, after);
  } else {
    store16(header + 4, end - ip - 40);
  }
  constexpr std::uint32_t pppoe_header = 6;
  if (pppoe != 0) store16(frame + pppoe + 4, end - pppoe - pppoe_header);
}

std::size_t pad_frame(std::span<std::uint8_t> bytes, LinkType link, std::size_t end,
                      std::size_t former_length) {
  const bool padded = link == LinkType::ethernet && former_length >= ethernet_minimum;
  const std::size_t length = padded ? std::max(end, ethernet_minimum) : end;
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(end),
            bytes.begin() + static_cast<std::ptrdiff_t>(length), std::uint8_t{0});
  return length;
}

std::size_t rewrite(const Frame& frame, const Segment& segment, const Edits& edits) {
  std::uint8_t* data = frame.bytes.data();
  const Layout& layout = segment.layout;
  std::uint32_t end = layout.end;
  assert(std::size_t{edits.trim_front} + edits.trim_back <= segment.payload.size());
  if (edits.to_bare != 0) {
    make_bare(data + layout.tcp, edits);
    end = layout.tcp + options_at;
  } else {
    edit_header(data + layout.tcp, segment, edits);
    if (edits.trim_front != 0) {
      std::memmove(data + layout.payload, data + layout.payload + edits.trim_front,
                   segment.payload.size() - edits.trim_front);
    }
    end -= edits.trim_front + edits.trim_back;
  }
  if (edits.payload_changed || edits.to_bare != 0 || end != layout.end) seal(data, segment, end);
  if (end == layout.end) return frame.bytes.size();
  set_packet_end(data, layout.ip, layout.pppoe, end);
  return pad_frame(frame.bytes, frame.link, end, frame.bytes.size());
}

}  // namespace lockstep::reassembly
