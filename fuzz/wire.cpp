// Decoder, rewriter and fragment table under arbitrary frames. An input is a row of frames, each with a head
// of six bytes: link type, flags of the decoder, two bytes that make the edits, length of the frame
// (big-endian).
#include "reassembly/wire.hpp"

#include <cstdlib>
#include <cstring>
#include <vector>

#include "reassembly/build.hpp"
#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/fragments.hpp"
#include "reassembly/rewrite.hpp"

using namespace lockstep::reassembly;

namespace {

constexpr std::size_t head_size = 6;

void must(bool holds) {
  if (!holds) std::abort();
}

// Counts what it is told, and decodes what is sent: a fragment must go out as one.
struct Sink : FragmentSink {
  LinkType link = LinkType::ethernet;
  std::uint64_t told = 0;

  void send(std::span<std::uint8_t> bytes, const HeldFrame&) override {
    ++told;
    Frame frame;
    frame.bytes = bytes;
    frame.link = link;
    must(!std::holds_alternative<Malformed>(decode(frame, {.verify_checksums = false})));
  }
  void drop(const HeldFrame&, Reason reason) override {
    ++told;
    must(reason != Reason::none);
  }
};

Edits edits_from(std::uint8_t a, std::uint8_t b, const Segment& segment) {
  Edits edits;
  const auto payload = static_cast<std::uint32_t>(segment.payload.size());
  edits.clear_flags = b;
  edits.strip_fast_open = (a & 1U) != 0;
  edits.strip_mptcp = (a & 2U) != 0;
  edits.strip_unknown = (a & 4U) != 0;
  edits.clamp_window_scale = (a & 8U) != 0;
  edits.zero_ack = (a & 16U) != 0;
  edits.to_bare = (a & 32U) != 0 ? TcpFlag::ack : 0;
  edits.trim_front = (a & 64U) == 0 ? 0 : segment.has(TcpFlag::syn) ? payload : b % (payload + 1);
  edits.trim_back = (a & 128U) != 0 ? a % (payload - edits.trim_front + 1) : 0;
  return edits;
}

void check_layout(const Frame& frame, const Segment& segment) {
  const Layout& l = segment.layout;
  must(l.ip < l.tcp && l.tcp + 20 <= l.payload && l.payload <= l.end && l.end <= frame.bytes.size());
  must(segment.payload.size() == l.end - l.payload);
  must(segment.payload.empty() || segment.payload.data() == frame.bytes.data() + l.payload);
}

// Returns the frame's new length.
std::size_t check_segment(const Frame& frame, const Segment& segment, std::uint8_t a, std::uint8_t b,
                          const WireConfig& config) {
  check_layout(frame, segment);
  std::vector<std::uint8_t> out(max_bare_frame);
  out.resize(build_reset(out, frame, segment, a % 2 == 0 ? Toward::sender : Toward::receiver, segment.ack,
                         segment.seq));
  Frame reset = frame;
  reset.bytes = out;
  reset.wire_length = static_cast<std::uint32_t>(out.size());
  const Decoded built = decode(reset, {});
  must(std::holds_alternative<Segment>(built));

  const Edits edits = edits_from(a, b, segment);
  const std::size_t length = rewrite(frame, segment, edits);
  must(length <= frame.bytes.size());
  Frame after = frame;
  after.bytes = frame.bytes.first(length);
  after.wire_length = static_cast<std::uint32_t>(length);
  const Decoded decoded = decode(after, config);
  must(std::holds_alternative<Segment>(decoded));
  const auto& edited = *std::get_if<Segment>(&decoded);
  check_layout(after, edited);
  if (edits.to_bare != 0) {
    must(edited.payload.empty() && edited.flags.bits == TcpFlag::ack);
  } else {
    must(edited.payload.size() + edits.trim_front + edits.trim_back == segment.payload.size());
    must(!edits.strip_unknown || !edited.options.unknown);
    must(!edits.strip_mptcp || !edited.options.mp_capable);
    must(!edits.strip_fast_open || !edited.options.fast_open);
  }
  return length;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FragmentTable table({.bytes = 0, .datagrams = 4, .pieces = 16, .source_percent = 60});
  Sink sink;
  std::uint64_t given = 0;
  std::vector<std::uint8_t> bytes;
  for (std::uint64_t number = 1; size >= head_size; ++number) {
    const std::uint8_t* head = data;
    const std::size_t length = std::min<std::size_t>(load16(head + 4), size - head_size);
    bytes.assign(data + head_size, data + head_size + length);
    data += head_size + length;
    size -= head_size + length;

    const WireConfig config{.verify_checksums = (head[1] & 1U) != 0};
    Frame frame;
    frame.bytes = bytes;
    frame.wire_length = static_cast<std::uint32_t>(bytes.size() + ((head[1] & 2U) != 0 ? 7 : 0));
    frame.link = sink.link = static_cast<LinkType>(head[0] % 5);
    frame.time = Timestamp(std::chrono::seconds(number * 5));
    frame.number = number;
    const Decoded decoded = decode(frame, config);
    if (const auto* segment = std::get_if<Segment>(&decoded)) {
      (void)check_segment(frame, *segment, head[2], head[3], config);
    } else if (const auto* fragment = std::get_if<Fragment>(&decoded)) {
      ++given;
      const auto answer = table.add(frame, *fragment, config, sink);
      if (answer.fate == FragmentAnswer::Fate::dropped) ++sink.told;
      if (answer.fate == FragmentAnswer::Fate::complete) {
        const auto* whole = std::get_if<Segment>(&table.decoded());
        if (whole != nullptr) (void)check_segment(table.datagram(), *whole, head[2], head[3], config);
        table.refragment(sink, Reason::trimmed_right);
      }
    }
    must(given == sink.told + table.frames());
  }
  table.expire(Timestamp::max(), sink);
  must(given == sink.told && table.bytes() == 0);
  return 0;
}
