#include "reassembly/fragments.hpp"

#include <algorithm>
#include <map>

#include <rapidcheck.h>

#include "reassembly/rewrite.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep::reassembly;
using namespace lockstep::test;
using Fate = FragmentAnswer::Fate;

namespace {

struct Recorder : FragmentSink {
  std::vector<Bytes> sent;
  std::map<Reason, int> dropped;
  int told = 0;

  void send(std::span<std::uint8_t> bytes, const HeldFrame&) override {
    sent.emplace_back(bytes.begin(), bytes.end());
    ++told;
  }
  void drop(const HeldFrame&, Reason reason) override {
    ++dropped[reason];
    ++told;
  }
};

struct Bench {
  FragmentTable table;
  Recorder out;
  LinkType link;
  Timestamp now{std::chrono::seconds(1000)};
  std::uint64_t given = 0;
  WireConfig wire{};

  explicit Bench(const FragmentConfig& config = {}, LinkType on = LinkType::ethernet)
      : table(config), link(on) {}

  FragmentAnswer add(Bytes bytes, std::uint16_t port = 0) {
    Frame frame = frame_of(bytes, link);
    frame.time = now;
    frame.number = ++given;
    frame.port = port;
    const Decoded decoded = decode(frame, {});
    REQUIRE(std::holds_alternative<Fragment>(decoded));
    const FragmentAnswer answer = table.add(frame, std::get<Fragment>(decoded), wire, out);
    if (answer.fate == Fate::dropped) {
      ++out.dropped[answer.reason];
      ++out.told;
    }
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xdd});  // the port takes its bytes back
    return answer;
  }
  [[nodiscard]] std::string payload() const {
    const auto& segment = std::get<Segment>(table.decoded());
    return {segment.payload.begin(), segment.payload.end()};
  }
};

std::string text_of(std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += static_cast<char>('a' + i * 7 % 26);
  return text;
}

PacketSpec any_family(PacketSpec spec) {
  if (GENERATE(false, true)) {
    spec.source = "2001:db8::1";
    spec.destination = "2001:db8::2";
  }
  return spec;
}

}  // namespace

TEST_CASE("fragments in any order become one segment and leave in order",
          "[reassembly][fragments][I01][I05]") {
  const auto link = GENERATE(LinkType::ethernet, LinkType::raw_ip);
  const auto spec = any_family({.link = link, .vlans = {}, .payload = text_of(100)});
  const auto pieces = fragment_packet(build_packet(spec), link, {32, 48, 8}, 77);
  REQUIRE(pieces.size() == 7);
  std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
  if (GENERATE(false, true)) std::reverse(order.begin(), order.end());
  Bench bench({}, link);
  for (std::size_t i = 0; i + 1 < order.size(); ++i) CHECK(bench.add(pieces[order[i]]).fate == Fate::held);
  REQUIRE(bench.add(pieces[order.back()]).fate == Fate::complete);
  CHECK(bench.payload() == spec.payload);
  const auto& segment = std::get<Segment>(bench.table.decoded());
  CHECK(segment.ip.reassembled);
  CHECK(checksums_right(Bytes(bench.table.datagram().bytes.begin(), bench.table.datagram().bytes.end()),
                        segment));
  bench.table.refragment(bench.out);
  CHECK(bench.out.sent == pieces);
  CHECK(bench.table.bytes() == 0);
  CHECK(bench.table.datagrams() == 0);
}

TEST_CASE("fragments leave with the bytes that were judged", "[reassembly][fragments][I01]") {
  const auto spec = any_family({.payload = text_of(90)});
  const auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {40}, 5);
  Bench bench;
  for (const auto& piece : pieces) (void)bench.add(piece);
  const auto& segment = std::get<Segment>(bench.table.decoded());
  std::fill(segment.payload.begin() + 30, segment.payload.begin() + 60, std::uint8_t{'X'});
  (void)rewrite(bench.table.datagram(), segment, {.payload_changed = true});
  bench.table.refragment(bench.out);
  REQUIRE(bench.out.sent.size() == pieces.size());

  Bench next_host;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    CHECK(bench.out.sent[i].size() == pieces[i].size());
    CHECK(next_host.add(bench.out.sent[i]).fate == (i + 1 < pieces.size() ? Fate::held : Fate::complete));
  }
  std::string expected = spec.payload;
  std::fill(expected.begin() + 30, expected.begin() + 60, 'X');
  CHECK(next_host.payload() == expected);
}

TEST_CASE("a trimmed datagram leaves in shorter or fewer fragments", "[reassembly][fragments]") {
  const auto spec = any_family({.pppoe_session = 3, .payload = text_of(90)});
  PacketSpec plain = spec;
  plain.pppoe_session.reset();
  const auto trim = GENERATE(0U, 5U, 40U, 89U, 90U);
  auto pieces = fragment_packet(build_packet(plain), LinkType::ethernet, {40}, 5);
  Bench bench;
  for (const auto& piece : pieces) (void)bench.add(piece);
  const auto& segment = std::get<Segment>(bench.table.decoded());
  (void)rewrite(bench.table.datagram(), segment, {.trim_back = trim});
  bench.table.refragment(bench.out, Reason::trimmed_right);
  CHECK(bench.out.told == static_cast<int>(pieces.size()));
  CHECK(bench.out.dropped[Reason::trimmed_right] + bench.out.sent.size() == pieces.size());
  if (bench.out.sent.size() == 1) {
    const Decoded alone = decode(frame_of(bench.out.sent[0]), {});
    REQUIRE(std::holds_alternative<Segment>(alone));
    CHECK(std::get<Segment>(alone).payload.size() == 90 - trim);
    return;
  }
  Bench next_host;
  FragmentAnswer last;
  for (const auto& sent : bench.out.sent) last = next_host.add(sent);
  REQUIRE(last.fate == Fate::complete);
  CHECK(next_host.payload() == plain.payload.substr(0, 90 - trim));
}

TEST_CASE("an overlap discards the whole datagram", "[reassembly][fragments][I01][rfc5722]") {
  const auto spec = any_family({.payload = text_of(100)});
  const Bytes packet = build_packet(spec);
  const auto pieces = fragment_packet(packet, LinkType::ethernet, {40}, 5);
  const auto others = fragment_packet(packet, LinkType::ethernet, {48}, 5);
  Bench bench;
  CHECK(bench.add(pieces[0]).fate == Fate::held);
  CHECK(bench.add(pieces[2]).fate == Fate::held);
  const auto answer = bench.add(others[1]);
  CHECK(answer.fate == Fate::dropped);
  CHECK(answer.reason == Reason::fragment_overlap);
  CHECK(bench.out.dropped[Reason::fragment_overlap] == 3);
  CHECK(bench.table.datagrams() == 0);
  CHECK(bench.table.frames() == 0);
}

TEST_CASE("an exact copy is dropped and changes nothing, another content at its place is an overlap",
          "[reassembly][fragments][I01]") {
  const auto spec = any_family({.payload = text_of(60)});
  const auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {40}, 5);
  Bench bench;
  (void)bench.add(pieces[1]);
  CHECK(bench.add(pieces[1]).reason == Reason::fragment_duplicate);
  CHECK(bench.table.frames() == 1);
  Bytes other = pieces[1];
  other.back() ^= 1;
  CHECK(bench.add(other).reason == Reason::fragment_overlap);
  CHECK(bench.table.frames() == 0);
}

TEST_CASE("the first fragment must hold the TCP header", "[reassembly][fragments][I03][rfc3128]") {
  const auto spec = any_family({.options = {1, 1, 1, 1}, .payload = text_of(60)});
  const auto size = GENERATE(8U, 16U, 24U);
  const auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {size, 88}, 5);
  Bench bench;
  CHECK(bench.add(pieces[0]).fate == Fate::held);
  const auto answer = bench.add(pieces[1]);
  CHECK(answer.fate == (size >= 24 ? Fate::complete : Fate::dropped));
  if (size < 24) CHECK(bench.out.dropped[Reason::fragment_bad] == 2);
}

TEST_CASE("places that can't be true discard the datagram", "[reassembly][fragments][P&N]") {
  Bench bench;
  (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x2000, .payload = "1234"}));  // 24 bytes
  SECTION("a length that is no multiple of eight, not at the end") {
    (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x2003, .payload = "123"}));
  }
  SECTION("beyond 65,535 bytes") {
    (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x1fff, .payload = "1234"}));
  }
  CHECK(bench.out.dropped[Reason::fragment_bad] == 2);
  CHECK(bench.table.frames() == 0);
}

TEST_CASE("observing, a length that is no multiple of eight is cut, or refused alone, as Linux does",
          "[reassembly][fragments][I04]") {
  const auto spec = any_family({.payload = text_of(60)});
  const bool v6 = spec.source.find(':') != std::string::npos;
  const auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {24, 23, 88}, 5);
  Bench bench;
  bench.wire.as_linux = true;
  CHECK(bench.add(pieces[0]).fate == Fate::held);
  CHECK(bench.add(pieces[1]).fate == (v6 ? Fate::dropped : Fate::held));
  CHECK(bench.table.frames() == (v6 ? 1 : 2));
}

TEST_CASE("two ends, or bytes behind the end, discard the datagram", "[reassembly][fragments]") {
  Bench bench;
  (void)bench.add(
      build_packet({.ip_id = 9, .ip_flags = 0x0006, .payload = "1234"}));  // [48, 72), the last one
  SECTION("a second end in front") {
    (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x0001}));
  }
  SECTION("a second end behind") {
    (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x0010}));
  }
  SECTION("more behind the end") {
    (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x2010, .payload = "1234"}));
  }
  CHECK(bench.out.dropped[Reason::fragment_bad] == 2);
}

TEST_CASE("a whole that exceeds IP's length with its header is discarded", "[reassembly][fragments]") {
  Bench bench;
  const std::string big(32768 - 20, 'x');
  (void)bench.add(build_packet({.ip_id = 9, .ip_flags = 0x2000, .payload = big}));
  const auto answer =
      bench.add(build_packet({.ip_id = 9, .ip_flags = 0x1000, .payload = std::string(32767 - 20, 'x')}));
  CHECK(answer.reason == Reason::fragment_bad);
  CHECK(bench.out.dropped[Reason::fragment_bad] == 2);
}

TEST_CASE("pieces join only with their own kind", "[reassembly][fragments][I02]") {
  const auto spec = any_family({.payload = text_of(60)});
  const Bytes packet = build_packet(spec);
  const auto pieces = fragment_packet(packet, LinkType::ethernet, {40}, 5);
  Bench bench;
  (void)bench.add(pieces[0]);
  CHECK(bench.add(fragment_packet(packet, LinkType::ethernet, {40}, 6)[1]).fate == Fate::held);
  CHECK(bench.add(pieces[1], 1).fate == Fate::held);  // from the other side
  PacketSpec tagged = spec;
  tagged.vlans = {9};
  CHECK(bench.add(fragment_packet(build_packet(tagged), LinkType::ethernet, {40}, 5)[1]).fate == Fate::held);
  CHECK(bench.table.datagrams() == 4);
  CHECK(bench.add(pieces[1]).fate == Fate::complete);
}

TEST_CASE("a datagram comes in by the port that its fragments came in by", "[reassembly][fragments][sides]") {
  Bench bench;
  const auto pieces = fragment_packet(build_packet({.payload = "0123456789"}), LinkType::ethernet, {24}, 7);
  bench.add(pieces[0], 1);
  REQUIRE(bench.add(pieces[1], 1).fate == Fate::complete);
  CHECK(bench.table.datagram().port == 1);
  bench.table.refragment(bench.out);
}

TEST_CASE("an identification may be used again after completion", "[reassembly][fragments][I02]") {
  Bench bench;
  for (const std::size_t length : {60U, 70U}) {
    const auto pieces =
        fragment_packet(build_packet({.payload = text_of(length)}), LinkType::ethernet, {40}, 5);
    for (const auto& piece : pieces) (void)bench.add(piece);
    CHECK(bench.payload() == text_of(length));
    bench.table.discard(bench.out, Reason::tcp_bad_flags);
  }
  CHECK(bench.out.dropped[Reason::tcp_bad_flags] == bench.out.told);
}

TEST_CASE("IPv6 pieces join whatever they claim to carry, the first one counts",
          "[reassembly][fragments][I04]") {
  const PacketSpec spec{.source = "fe80::1", .destination = "fe80::2", .payload = text_of(60)};
  auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {40}, 5);
  pieces[1][14 + 40] = 17;  // claims to be UDP
  Bench bench;
  (void)bench.add(pieces[1]);
  REQUIRE(bench.add(pieces[0]).fate == Fate::complete);
  CHECK(bench.payload() == spec.payload);
}

TEST_CASE("an IPv6 datagram that turns out not to be TCP passes as it came", "[reassembly][fragments][I04]") {
  PacketSpec spec{.source = "fe80::1", .destination = "fe80::2", .protocol = 17};
  const auto pieces = fragment_packet(build_ip(spec, Bytes(100, 1)), LinkType::ethernet, {8}, 5);
  Bench bench;
  for (const auto& piece : pieces) (void)bench.add(piece);
  REQUIRE(std::holds_alternative<Passed>(bench.table.decoded()));
  bench.table.refragment(bench.out);
  CHECK(bench.out.sent == pieces);
}

TEST_CASE("extension headers around the fragment header stay where they were",
          "[reassembly][fragments][I04]") {
  // hop-by-hop in front of the fragment header, destination options within the fragmented part
  PacketSpec spec{.source = "fe80::1", .destination = "fe80::2", .payload = text_of(64)};
  spec.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
  auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, {48, 8}, 5);
  for (auto& piece : pieces) {
    const Bytes hop_by_hop{44, 0, 1, 4, 0, 0, 0, 0};
    piece.insert(piece.begin() + 54, hop_by_hop.begin(), hop_by_hop.end());
    piece[14 + 6] = 0;
    piece[14 + 5] = static_cast<std::uint8_t>(piece[14 + 5] + 8);
  }
  Bench bench;
  for (const auto& piece : pieces) (void)bench.add(piece);
  CHECK(bench.payload() == spec.payload);
  bench.table.refragment(bench.out);
  CHECK(bench.out.sent == pieces);
}

TEST_CASE("a datagram with a wrong checksum is dropped whole", "[reassembly][fragments][D08]") {
  auto spec = any_family({.tcp_checksum = 0xbad, .payload = text_of(60)});
  Bench bench;
  for (const auto& piece : fragment_packet(build_packet(spec), LinkType::ethernet, {40}, 5))
    (void)bench.add(piece);
  CHECK(bench.out.dropped[Reason::tcp_bad_checksum] == 2);
  CHECK(bench.out.told == 2);
  CHECK(bench.table.frames() == 0);
}

TEST_CASE("what waits too long is dropped", "[reassembly][fragments][I05]") {
  Bench bench({.timeout = std::chrono::seconds(30)});
  const auto pieces = fragment_packet(build_packet({.payload = text_of(90)}), LinkType::ethernet, {40}, 5);
  (void)bench.add(pieces[0]);
  bench.now += std::chrono::seconds(29);
  (void)bench.add(pieces[1]);
  bench.table.expire(bench.now, bench.out);
  CHECK(bench.out.told == 0);
  bench.now += std::chrono::seconds(1);
  bench.table.expire(bench.now, bench.out);
  CHECK(bench.out.dropped[Reason::fragment_timeout] == 2);
  CHECK(bench.add(pieces[2]).fate == Fate::held);
}

TEST_CASE("a full table gives up its oldest datagram", "[reassembly][fragments][limits]") {
  Bench bench({.datagrams = 4});
  for (std::uint16_t id = 1; id <= 5; ++id) {
    (void)bench.add(build_packet({.ip_id = id, .ip_flags = 0x2000, .payload = "1234"}));
  }
  CHECK(bench.table.datagrams() == 4);
  CHECK(bench.out.dropped[Reason::fragment_limit] == 1);
  CHECK(bench.add(build_packet({.ip_id = 2, .ip_flags = 0x0003})).reason != Reason::fragment_limit);
}

TEST_CASE("a source can't fill more than its share", "[reassembly][fragments][limits]") {
  Bench bench({.bytes = std::size_t{256} * 1024, .datagrams = 10000, .source_percent = 25});
  for (std::uint16_t id = 1; id <= 1000; ++id) {
    (void)bench.add(build_packet({.ip_id = id, .ip_flags = 0x2000, .payload = std::string(1404, 'x')}));
  }
  CHECK(bench.table.bytes() <= 256 * 1024 / 4);
  CHECK(bench.out.dropped[Reason::fragment_limit] + static_cast<int>(bench.table.frames()) == 1000);
  CHECK(bench.add(build_packet({.source = "10.9.9.9", .ip_flags = 0x2000, .payload = "1234"})).fate ==
        Fate::held);
}

TEST_CASE("a datagram of too many pieces is discarded", "[reassembly][fragments][limits][I05]") {
  Bench bench({.pieces = 16});
  const auto pieces =
      fragment_packet(build_packet({.payload = text_of(400)}), LinkType::ethernet, {24, 8}, 5);
  for (std::size_t i = 0; i < 17; ++i) (void)bench.add(pieces[i]);
  CHECK(bench.out.dropped[Reason::fragment_limit] == 17);
}

TEST_CASE("any cut in any order with copies gives the packet back", "[reassembly][fragments][property]") {
  CHECK(rc::check([](bool v6, std::uint16_t extra) {
    PacketSpec spec{.payload = text_of(1 + extra % 3000)};
    if (v6) {
      spec.source = "fe80::1";
      spec.destination = "fe80::2";
    }
    std::vector<std::size_t> sizes{24};
    for (int i = *rc::gen::inRange(0, 20); i > 0; --i)
      sizes.push_back(8 * *rc::gen::inRange<std::size_t>(1, 30));
    sizes.push_back(240);
    const auto pieces = fragment_packet(build_packet(spec), LinkType::ethernet, sizes, 5);
    if (pieces.size() < 2) return;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < pieces.size(); ++i) order.push_back(i);
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
    Bench bench;
    std::vector<bool> came(pieces.size());
    std::size_t missing = pieces.size();
    for (const std::size_t next : order) {
      if (missing > 1 && *rc::gen::inRange(0, 4) == 0) {
        const auto again = *rc::gen::inRange<std::size_t>(0, pieces.size());
        if (came[again]) RC_ASSERT(bench.add(pieces[again]).reason == Reason::fragment_duplicate);
      }
      RC_ASSERT(bench.add(pieces[next]).fate == (--missing == 0 ? Fate::complete : Fate::held));
      came[next] = true;
    }
    RC_ASSERT(bench.payload() == spec.payload);
    bench.table.refragment(bench.out);
    RC_ASSERT(bench.out.sent == pieces);
    RC_ASSERT(bench.out.told == static_cast<int>(bench.given));
  }));
}

TEST_CASE("whatever comes, every frame is told once and no memory stays",
          "[reassembly][fragments][property]") {
  CHECK(rc::check([] {
    Bench bench(
        {.bytes = std::size_t{140} * 1024, .datagrams = 5, .pieces = 12, .timeout = std::chrono::seconds(3)});
    for (int i = *rc::gen::inRange(0, 300); i > 0; --i) {
      const auto place = *rc::gen::inRange(0, 8);
      const bool more = *rc::gen::inRange(0, 3) != 0;
      if (place == 0 && !more) continue;
      PacketSpec spec{.ip_id = *rc::gen::inRange<std::uint16_t>(0, 7)};
      spec.ip_flags = static_cast<std::uint16_t>((more ? 0x2000 : 0) | place * 3);
      spec.payload = std::string(*rc::gen::element<std::size_t>(4, 4, 4, 12, 3), 'x');
      if (bench.add(build_packet(spec)).fate == Fate::complete) bench.table.refragment(bench.out);
      bench.now += std::chrono::milliseconds(*rc::gen::inRange(0, 100));
      RC_ASSERT(bench.given == static_cast<std::uint64_t>(bench.out.told) + bench.table.frames());
      RC_ASSERT(bench.table.datagrams() <= 5);
    }
    bench.table.expire(bench.now + std::chrono::seconds(3), bench.out);
    RC_ASSERT(bench.given == static_cast<std::uint64_t>(bench.out.told));
    RC_ASSERT(bench.table.bytes() == 0 && bench.table.frames() == 0 && bench.table.datagrams() == 0);
  }));
}
