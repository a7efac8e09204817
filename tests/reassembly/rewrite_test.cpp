#include "reassembly/rewrite.hpp"

#include <rapidcheck.h>

#include "reassembly/build.hpp"
#include "reassembly/wire.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep::reassembly;
using namespace lockstep::test;

namespace {

const Bytes syn_options{2, 4, 5, 0xb4, 3, 3, 15, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 30, 4, 0, 1, 28, 4, 0, 1, 0};

// A packet, edited, and what the next host makes of it.
struct Edited {
  Bytes bytes;
  LinkType link;
  Segment segment;

  Edited(const PacketSpec& spec, const Edits& edits, const std::string& new_payload = "")
      : bytes(build_packet(spec)), link(spec.link) {
    const Frame frame = frame_of(bytes, link);
    const Decoded before = decode(frame, {});
    REQUIRE(std::holds_alternative<Segment>(before));
    const auto& old = std::get<Segment>(before);
    std::copy(new_payload.begin(), new_payload.end(), old.payload.begin());
    const std::size_t length = rewrite(frame, old, edits);
    REQUIRE(length <= bytes.size());
    bytes.resize(length);
    const Decoded after = decode(frame_of(bytes, link), {});
    INFO((std::holds_alternative<Malformed>(after) ? name(std::get<Malformed>(after).reason) : ""));
    REQUIRE(std::holds_alternative<Segment>(after));
    segment = std::get<Segment>(after);
    CHECK(checksums_right(bytes, segment));
  }

  [[nodiscard]] std::string payload() const { return {segment.payload.begin(), segment.payload.end()}; }
};

PacketSpec any_headers(PacketSpec spec) {
  if (GENERATE(false, true)) {
    spec.source = "2001:db8::1";
    spec.destination = "2001:db8::2";
    spec.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
  }
  return spec;
}

}  // namespace

TEST_CASE("trimming moves the sequence number and keeps the bytes in between", "[reassembly][rewrite]") {
  const auto spec =
      any_headers({.vlans = {3}, .pppoe_session = 9, .seq = 0xffffffff, .payload = "0123456789"});
  const Edited e(spec, {.trim_front = 3, .trim_back = 2});
  CHECK(e.payload() == "34567");
  CHECK(e.segment.seq == Seq(2));
  CHECK(e.bytes.size() == e.segment.layout.end);  // the frame was longer than Ethernet's minimum
}

TEST_CASE("trimming everything leaves a bare segment", "[reassembly][rewrite]") {
  const Edited e(any_headers({.payload = "0123456789"}), {.trim_front = 10});
  CHECK(e.payload().empty());
  CHECK(e.segment.seq == Seq(1010));
}

TEST_CASE("a SYN loses its payload without moving", "[reassembly][rewrite][H01]") {
  const Edited e(any_headers({.seq = 7, .flags = syn, .payload = "early"}), {.trim_front = 5});
  CHECK(e.payload().empty());
  CHECK(e.segment.seq == Seq(7));
}

TEST_CASE("Ethernet's minimum stays where it was kept", "[reassembly][rewrite]") {
  const Edited padded({.padding = 20, .payload = "0123456789"}, {.trim_back = 8});
  CHECK(padded.bytes.size() == 60);
  CHECK(Bytes(padded.bytes.begin() + 56, padded.bytes.end()) == Bytes(4, 0));
  const Edited short_frame({.payload = "01"}, {.trim_back = 2});
  CHECK(short_frame.bytes.size() == 54);
  const Edited raw({.link = LinkType::raw_ip, .payload = std::string(100, 'x')}, {.trim_back = 100});
  CHECK(raw.bytes.size() == 40);
  const Edited untouched({.pad_to_minimum = true, .urgent = 5}, {.zero_urgent = true});
  CHECK(untouched.bytes.size() == 60);
}

TEST_CASE("flags go, URG with its pointer, reserved bits stay", "[reassembly][rewrite][U01][U03]") {
  const auto spec =
      any_headers({.flags = urg | psh | ack | fin, .urgent = 77, .reserved = 0xe, .payload = "x"});
  const Edited e(spec, {.clear_flags = urg | fin});
  CHECK(to_string(e.segment.flags) == "PA");
  CHECK(e.segment.urgent == 0);
  CHECK(e.segment.reserved == 0xe);
  const Edited pointer({.flags = ack, .urgent = 77}, {.zero_urgent = true});
  CHECK(pointer.segment.urgent == 0);
  const Edited kept({.flags = ack | psh, .urgent = 77}, {.clear_flags = psh});
  CHECK(kept.segment.urgent == 77);
}

TEST_CASE("a SYN loses its stray acknowledgment number", "[reassembly][rewrite][H09]") {
  CHECK(Edited({.ack = 0xdeadbeef, .flags = syn}, {.zero_ack = true}).segment.ack == Seq(0));
}

TEST_CASE("options are blanked one by one and the rest stays", "[reassembly][rewrite][options]") {
  const auto spec = any_headers({.flags = syn, .options = syn_options});
  const Edited tfo(spec, {.strip_fast_open = true});
  CHECK_FALSE(tfo.segment.options.fast_open);
  CHECK(tfo.segment.options.mp_capable);
  CHECK(tfo.segment.options.unknown);
  const Edited mptcp(spec, {.strip_mptcp = true});
  CHECK(mptcp.segment.options.fast_open);
  CHECK_FALSE(mptcp.segment.options.mp_capable);
  const Edited stranger(spec, {.strip_unknown = true});
  CHECK_FALSE(stranger.segment.options.unknown);
  CHECK(stranger.segment.options.mss == 1460);
  const Edited scale(spec, {.clamp_window_scale = true});
  CHECK(scale.segment.options.window_scale == 14);
  CHECK(scale.segment.options.fast_open);
  const Edited small({.flags = syn, .options = {3, 3, 7}}, {.clamp_window_scale = true});
  CHECK(small.segment.options.window_scale == 7);
  const Edited trial({.flags = syn, .options = {254, 4, 0xf9, 0x89, 254, 4, 1, 2}},
                     {.strip_fast_open = true});
  CHECK_FALSE(trial.segment.options.fast_open);
  CHECK(trial.segment.options.unknown);
}

TEST_CASE("replaced payload gets its checksum", "[reassembly][rewrite][O07]") {
  const Edited e(any_headers({.payload = "EVIL!"}), {.payload_changed = true}, "GOOD!");
  CHECK(e.payload() == "GOOD!");
}

TEST_CASE("a reset becomes a bare ACK with the numbers given", "[reassembly][rewrite][R02]") {
  const auto spec = any_headers({.seq = 500,
                                 .ack = 9,
                                 .flags = rst | ack | psh,
                                 .reserved = 1,
                                 .options = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1},
                                 .payload = "junk"});
  const Edited e(spec, {.to_bare = ack, .bare_seq = Seq(41), .bare_ack = Seq(42)});
  CHECK(to_string(e.segment.flags) == "A");
  CHECK(e.segment.seq == Seq(41));
  CHECK(e.segment.ack == Seq(42));
  CHECK(e.payload().empty());
  CHECK(e.segment.layout.payload - e.segment.layout.tcp == 20);
}

TEST_CASE("a checksum that was wrong stays wrong by as much", "[reassembly][rewrite][rfc1624-3]") {
  Bytes right = build_packet({.flags = ack | urg, .payload = "abc"});
  const std::uint16_t good = static_cast<std::uint16_t>(right[50] << 8 | right[51]);
  Bytes bytes = build_packet({.flags = ack | urg, .tcp_checksum = good ^ 0x10, .payload = "abc"});
  const Frame frame = frame_of(bytes);
  const Decoded decoded = decode(frame, {.verify_checksums = false});
  (void)rewrite(frame, std::get<Segment>(decoded), {.clear_flags = urg});
  const Decoded after = decode(frame, {});
  REQUIRE(std::holds_alternative<Malformed>(after));
  CHECK(std::get<Malformed>(after).reason == Reason::tcp_bad_checksum);
}

TEST_CASE("any edits leave a packet that decodes to what was asked for", "[reassembly][rewrite][property]") {
  CHECK(rc::check([](const std::string& payload, bool v6, bool strip, bool scale, std::uint16_t urgent) {
    PacketSpec spec{
        .flags = *rc::gen::inRange(0, 256) & ~(syn | rst), .urgent = urgent, .options = syn_options};
    spec.payload = payload;
    if (v6) {
      spec.source = "fe80::1";
      spec.destination = "fe80::2";
    }
    Edits edits;
    edits.trim_front = *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(payload.size()) + 1);
    edits.trim_back = *rc::gen::inRange<std::uint32_t>(
        0, static_cast<std::uint32_t>(payload.size()) - edits.trim_front + 1);
    edits.clear_flags = *rc::gen::arbitrary<std::uint8_t>();
    edits.strip_fast_open = edits.strip_mptcp = edits.strip_unknown = strip;
    edits.clamp_window_scale = scale;
    edits.zero_urgent = *rc::gen::arbitrary<bool>();
    Bytes bytes = build_packet(spec);
    Frame frame = frame_of(bytes);
    const Decoded before = decode(frame, {});
    RC_ASSERT(std::holds_alternative<Segment>(before));
    bytes.resize(rewrite(frame, std::get<Segment>(before), edits));
    const Decoded after = decode(frame_of(bytes), {});
    RC_ASSERT(std::holds_alternative<Segment>(after));
    const auto& s = std::get<Segment>(after);
    RC_ASSERT(checksums_right(bytes, s));
    const std::string expected =
        payload.substr(edits.trim_front, payload.size() - edits.trim_front - edits.trim_back);
    RC_ASSERT(std::string(s.payload.begin(), s.payload.end()) == expected);
    RC_ASSERT(s.seq == Seq(spec.seq + edits.trim_front));
    RC_ASSERT(s.flags.bits == (*spec.flags & ~edits.clear_flags));
    RC_ASSERT(s.options.fast_open == !strip && s.options.mp_capable == !strip && s.options.unknown == !strip);
    RC_ASSERT(s.options.window_scale == (scale ? 14 : 15));
    RC_ASSERT(s.urgent == (edits.zero_urgent || (edits.clear_flags & urg) != 0 ? 0 : urgent));
  }));
}

TEST_CASE("a reset built from a packet goes either way in its framing", "[reassembly][build]") {
  const auto spec =
      any_headers({.vlans = {5, 6}, .pppoe_session = 2, .ttl = 9, .options = {1, 1, 1, 1}, .payload = "x"});
  const Toward toward = GENERATE(Toward::receiver, Toward::sender);
  Bytes bytes = build_packet(spec);
  const Frame frame = frame_of(bytes);
  const Decoded decoded = decode(frame, {});
  const auto& like = std::get<Segment>(decoded);
  Bytes out(max_bare_frame);
  out.resize(build_reset(out, frame, like, toward, Seq(77), Seq(88)));
  const Decoded built = decode(frame_of(out), {});
  REQUIRE(std::holds_alternative<Segment>(built));
  const auto& s = std::get<Segment>(built);
  CHECK(checksums_right(out, s));
  CHECK(to_string(s.flags) == "RA");
  CHECK(s.seq == Seq(77));
  CHECK(s.ack == Seq(88));
  CHECK(s.payload.empty());
  CHECK(s.vlan == like.vlan);
  const bool back = toward == Toward::sender;
  CHECK(s.source == (back ? like.destination : like.source));
  CHECK(s.destination == (back ? like.source : like.destination));
  CHECK(s.ip.ttl == (back ? 64 : 9));
  CHECK(out[5] == (back ? 1 : 2));
  CHECK(out[11] == (back ? 2 : 1));
}

TEST_CASE("a reset without ACK has no acknowledgment number, and needs room",
          "[reassembly][build][rfc9293-3.5.2]") {
  Bytes bytes = build_packet({.payload = "x"});
  const Frame frame = frame_of(bytes);
  const Decoded decoded = decode(frame, {});
  Bytes out(max_bare_frame, 0xff);
  out.resize(build_reset(out, frame, std::get<Segment>(decoded), Toward::receiver, Seq(77), std::nullopt));
  CHECK(out.size() == 60);
  const Decoded built = decode(frame_of(out), {});
  CHECK(to_string(std::get<Segment>(built).flags) == "R");
  CHECK(std::get<Segment>(built).ack == Seq(0));
  Bytes small(59);
  CHECK(build_reset(small, frame, std::get<Segment>(decoded), Toward::receiver, Seq(77), std::nullopt) == 0);
}

TEST_CASE("a bare ACK is built on every link layer", "[reassembly][build]") {
  const auto link = GENERATE(LinkType::ethernet, LinkType::raw_ip, LinkType::linux_sll, LinkType::linux_sll2,
                             LinkType::null_loopback);
  Bytes bytes = build_packet({.link = link, .payload = "x"});
  const Frame frame = frame_of(bytes, link);
  const Decoded decoded = decode(frame, {});
  Bytes out(max_bare_frame);
  out.resize(build_ack(out, frame, std::get<Segment>(decoded), Toward::sender, Seq(1), Seq(2), 333));
  const Decoded built = decode(frame_of(out, link), {});
  REQUIRE(std::holds_alternative<Segment>(built));
  const auto& s = std::get<Segment>(built);
  CHECK(checksums_right(out, s));
  CHECK(to_string(s.flags) == "A");
  CHECK(s.window == 333);
  CHECK(s.ack == Seq(2));
}
