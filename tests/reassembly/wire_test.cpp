#include "reassembly/wire.hpp"

#include <rapidcheck.h>

#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep::reassembly;
using namespace lockstep::test;

namespace {

struct Case {
  Bytes bytes;
  Frame frame;
  Decoded decoded;

  explicit Case(Bytes given, LinkType link = LinkType::ethernet, WireConfig config = {})
      : bytes(std::move(given)) {
    frame = frame_of(bytes, link);
    decoded = decode(frame, config);
  }
  explicit Case(const PacketSpec& spec, WireConfig config = {})
      : Case(build_packet(spec), spec.link, config) {}
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  [[nodiscard]] Reason reason() const {
    const auto* wrong = std::get_if<Malformed>(&decoded);
    return wrong != nullptr ? wrong->reason : Reason::none;
  }
  [[nodiscard]] const Segment& segment() const {
    INFO("refused: " << name(reason()));
    REQUIRE(std::holds_alternative<Segment>(decoded));
    return *std::get_if<Segment>(&decoded);
  }
  [[nodiscard]] std::string payload() const { return {segment().payload.begin(), segment().payload.end()}; }
  [[nodiscard]] std::optional<PassKind> passed() const {
    const auto* passed = std::get_if<Passed>(&decoded);
    return passed != nullptr ? std::optional(passed->kind) : std::nullopt;
  }
};

const PacketSpec v6{.source = "2001:db8::1", .destination = "2001:db8::2", .payload = "GET /"};

PacketSpec with_options(Bytes options, int flags = ack) {
  return {.flags = flags, .options = std::move(options)};
}

}  // namespace

TEST_CASE("a plain IPv4 segment decodes to all of its fields", "[reassembly][wire][rfc9293-3.1]") {
  const Case c(PacketSpec{.ip_id = 7,
                          .ttl = 61,
                          .tos = 0x2e,
                          .source_port = 1234,
                          .destination_port = 443,
                          .seq = 0xfffffff0,
                          .ack = 17,
                          .window = 512,
                          .urgent = 3,
                          .reserved = 0xe,
                          .payload = "hello"});
  const Segment& s = c.segment();
  CHECK(to_string(s.source.address) == "10.0.0.1");
  CHECK(to_string(s.destination.address) == "10.0.0.2");
  CHECK(s.source.port == 1234);
  CHECK(s.destination.port == 443);
  CHECK(s.seq == Seq(0xfffffff0));
  CHECK(s.ack == Seq(17));
  CHECK(to_string(s.flags) == "PA");
  CHECK(s.reserved == 0xe);
  CHECK(s.window == 512);
  CHECK(s.urgent == 3);
  CHECK(s.ip.id == 7);
  CHECK(s.ip.ttl == 61);
  CHECK(s.ip.tos == 0x2e);
  CHECK(s.ip.dont_fragment);
  CHECK(s.ip.total_length == 45);
  CHECK(c.payload() == "hello");
  CHECK(s.layout.ip == 14);
  CHECK(s.layout.tcp == 34);
  CHECK(s.layout.payload == 54);
  CHECK(s.layout.end == 59);
}

TEST_CASE("a plain IPv6 segment decodes to all of its fields", "[reassembly][wire][rfc8200-3]") {
  PacketSpec spec = v6;
  spec.tos = 0x45;
  spec.flow_label = 0xabcde;
  spec.ttl = 3;
  const Case c(spec);
  const Segment& s = c.segment();
  CHECK(to_string(s.source.address) == "2001:db8::1");
  CHECK(s.ip.version == 6);
  CHECK(s.ip.tos == 0x45);
  CHECK(s.ip.flow_label == 0xabcde);
  CHECK(s.ip.ttl == 3);
  CHECK(s.layout.tcp == 54);
  CHECK(c.payload() == "GET /");
}

TEST_CASE("every link layer leads to the same segment", "[reassembly][wire][link]") {
  const auto link = GENERATE(LinkType::ethernet, LinkType::raw_ip, LinkType::linux_sll, LinkType::linux_sll2,
                             LinkType::null_loopback);
  PacketSpec v4{.link = link, .payload = "x"};
  CHECK(Case(v4).payload() == "x");
  PacketSpec other = v6;
  other.link = link;
  CHECK(Case(other).payload() == "GET /");
}

TEST_CASE("a loopback header is read in either byte order", "[reassembly][wire][link]") {
  Bytes bytes = build_packet({.link = LinkType::null_loopback, .payload = "x"});
  std::swap(bytes[0], bytes[3]);
  CHECK(Case(bytes, LinkType::null_loopback).payload() == "x");
}

TEST_CASE("VLAN tags are unwrapped and kept, VID 0 is untagged", "[reassembly][wire][vlan][I09]") {
  const auto link = GENERATE(LinkType::ethernet, LinkType::linux_sll, LinkType::linux_sll2);
  const auto type = GENERATE(as<std::optional<std::uint16_t>>(), std::nullopt, 0x8100, 0x88a8, 0x9100);
  const PacketSpec spec{.link = link, .vlans = {100, 0, 0xe007}, .vlan_type = type, .payload = "x"};
  const Case c(spec);
  CHECK(c.payload() == "x");
  CHECK(c.segment().vlan.count == 2);
  CHECK(c.segment().vlan.ids == std::array<std::uint16_t, 3>{100, 7, 0});
}

TEST_CASE("a fourth VLAN tag is more than a flow key holds", "[reassembly][wire][vlan]") {
  CHECK(Case(PacketSpec{.vlans = {1, 2, 3}}).segment().vlan.count == 3);
  CHECK(Case(PacketSpec{.vlans = {1, 2, 3, 4}}).reason() == Reason::vlan_too_deep);
}

TEST_CASE("PPPoE sessions are unwrapped, also inside a VLAN", "[reassembly][wire][pppoe][I09]") {
  const Case c(PacketSpec{.vlans = {7}, .pppoe_session = 5, .padding = 3, .payload = "hello"});
  CHECK(c.payload() == "hello");
  CHECK(c.segment().layout.pppoe == 18);
  CHECK(Case(PacketSpec{.pppoe_session = 5, .pppoe_length = 20, .payload = "hello"}).reason() ==
        Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.pppoe_session = 5, .pppoe_length = 999, .payload = "hello"}).reason() ==
        Reason::truncated_frame);
}

TEST_CASE("the IP length rules and what follows is link padding", "[reassembly][wire][D23]") {
  CHECK(Case(PacketSpec{.padding = 40, .payload = "hello"}).payload() == "hello");
  CHECK(Case(PacketSpec{.ip_length = 46, .payload = "hello"}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_length = 44, .payload = "hello"}).reason() == Reason::tcp_bad_checksum);
  CHECK(Case(PacketSpec{.ip_length = 19, .payload = "hello"}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_length = 0, .payload = "hello"}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_length = 39}).reason() == Reason::tcp_bad_header);
  PacketSpec longer = v6;
  longer.ip_length = 26;
  CHECK(Case(longer).reason() == Reason::ip_bad_header);
}

TEST_CASE("a frame that the capture cut within its packet is truncated", "[reassembly][wire]") {
  Bytes bytes = build_packet({.padding = 4, .payload = "hello"});
  Frame frame = frame_of(bytes);
  frame.bytes = std::span(bytes).first(58);
  const Decoded cut = decode(frame, {});
  REQUIRE(std::holds_alternative<Malformed>(cut));
  CHECK(std::get<Malformed>(cut).reason == Reason::truncated_frame);
  CHECK(std::get<Malformed>(cut).addressed);
  CHECK(to_string(std::get<Malformed>(cut).source.address) == "10.0.0.1");
  frame.bytes = std::span(bytes).first(59);  // only padding is missing
  CHECK(std::holds_alternative<Segment>(decode(frame, {})));
}

TEST_CASE("IPv4 headers that can't be true are refused", "[reassembly][wire][D25]") {
  CHECK(Case(PacketSpec{.ip_version = 6}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_version = 5}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_header_words = 4}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_header_words = 15}).reason() == Reason::ip_bad_header);
  CHECK(Case(PacketSpec{.ip_checksum = 0x1111}).reason() == Reason::ip_bad_checksum);
  PacketSpec four = v6;
  four.ip_version = 4;
  CHECK(Case(four).reason() == Reason::ip_bad_header);
  PacketSpec raw{.link = LinkType::raw_ip, .ip_version = 7};
  CHECK(Case(raw).reason() == Reason::ip_bad_header);
}

TEST_CASE("IPv4 options pass if they parse, source routes never", "[reassembly][wire][D24]") {
  const Case nop(PacketSpec{.ip_options = {1, 1, 1, 1}, .payload = "x"});
  CHECK(nop.payload() == "x");
  CHECK(nop.segment().ip.options == 1U << 1);
  CHECK(Case(PacketSpec{.ip_options = {0x94, 4, 0, 0}}).segment().ip.options == 1U << (0x94 & 31));
  CHECK(Case(PacketSpec{.ip_options = {131, 7, 4, 10, 0, 0, 9}}).reason() == Reason::ip_source_route);
  CHECK(Case(PacketSpec{.ip_options = {1, 137, 7, 4, 10, 0, 0, 9}}).reason() == Reason::ip_source_route);
  CHECK(Case(PacketSpec{.ip_options = {0x94, 1, 0, 0}}).reason() == Reason::ip_bad_options);
  CHECK(Case(PacketSpec{.ip_options = {0x94, 5, 0, 0}}).reason() == Reason::ip_bad_options);
  CHECK(Case(PacketSpec{.ip_options = {1, 1, 1, 0x94}}).reason() == Reason::ip_bad_options);
}

TEST_CASE("TCP behind IPv6 extension headers is found", "[reassembly][wire][ipv6][I04]") {
  PacketSpec spec = v6;
  spec.extensions = {{0, {0, 5, 2, 0, 0, 1, 0}},                // hop-by-hop: router alert
                     {60, {0, 1, 4, 0, 0, 0, 0}},               // destination: padding
                     {43, {0, 0, 0, 0, 0, 0, 0}},               // routing, no segments left
                     {44, {0, 0, 0, 0, 0, 0, 9}},               // atomic fragment
                     {51, {1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}}};  // authentication
  const Case c(spec);
  CHECK(c.payload() == "GET /");
  CHECK(c.segment().layout.tcp == 14 + 40 + 8 * 4 + 12);
}

TEST_CASE("an IPv6 chain that misleads is refused", "[reassembly][wire][ipv6][I04]") {
  const auto refuses = [](std::vector<std::pair<std::uint8_t, Bytes>> extensions) {
    PacketSpec spec = v6;
    spec.extensions = std::move(extensions);
    return Case(spec).reason();
  };
  const std::pair<std::uint8_t, Bytes> padding{60, {0, 1, 4, 0, 0, 0, 0}};
  CHECK(refuses({{43, {0, 0, 1, 0, 0, 0, 0}}}) == Reason::ip_source_route);
  CHECK(refuses({padding, {0, {0, 1, 4, 0, 0, 0, 0}}}) == Reason::ip_bad_options);  // hop-by-hop not in front
  CHECK(refuses({{60, {9, 1, 4, 0, 0, 0, 0}}}) == Reason::ip_bad_options);          // longer than the packet
  CHECK(refuses({{60, {0, 1, 9, 0, 0, 0, 0}}}) == Reason::ip_bad_options);     // option longer than header
  CHECK(refuses({{60, {0, 0xc9, 4, 0, 0, 0, 0}}}) == Reason::ip_bad_options);  // discard if unknown
  CHECK(refuses({{60, {0, 1, 4, 0, 7, 0, 0}}}) == Reason::ip_bad_options);     // padding with a content
  CHECK(refuses({{44, {0, 0, 0, 0, 0, 0, 9}}, {44, {0, 0, 0, 0, 0, 0, 9}}}) == Reason::ip_bad_options);
  CHECK(refuses(std::vector(8, padding)) == Reason::none);
  CHECK(refuses(std::vector(9, padding)) == Reason::ip_bad_options);
}

TEST_CASE("fragments that may be TCP are told apart from those that pass", "[reassembly][wire][fragments]") {
  const auto is_fragment = [](const PacketSpec& spec) {
    return std::holds_alternative<Fragment>(Case(spec).decoded);
  };
  CHECK(is_fragment({.ip_flags = 0x2000, .payload = "12345678"}));
  CHECK(is_fragment({.ip_flags = 0x0001, .payload = "12345678"}));
  CHECK_FALSE(is_fragment({.protocol = 17, .ip_flags = 0x2000}));
  PacketSpec spec = v6;
  spec.extensions = {{44, {0, 0, 1, 0, 0, 0, 9}}};
  CHECK(is_fragment(spec));
  spec.protocol = 17;  // the first fragment alone says what the datagram is
  CHECK(is_fragment(spec));

  const Case c(PacketSpec{.ip_id = 77, .ip_flags = 0x2003, .payload = "1234"});
  const auto& fragment = std::get<Fragment>(c.decoded);
  CHECK(fragment.id == 77);
  CHECK(fragment.offset == 24);
  CHECK(fragment.more);
  CHECK(fragment.protocol == 6);
  CHECK(fragment.payload.size() == 24);
  CHECK(fragment.payload_start == 34);
}

TEST_CASE("TCP header lengths that can't be true are refused", "[reassembly][wire][D11]") {
  CHECK(Case(PacketSpec{.data_offset = 4, .payload = "GET /"}).reason() == Reason::tcp_bad_header);
  CHECK(Case(PacketSpec{.data_offset = 15, .payload = "GET /"}).reason() == Reason::tcp_bad_header);
  CHECK(Case(PacketSpec{.data_offset = 7, .payload = "GET /evil.html"}).reason() == Reason::tcp_bad_options);
}

TEST_CASE("a wrong TCP checksum is refused unless told otherwise", "[reassembly][wire][D08]") {
  const PacketSpec spec{.ip_checksum = 0, .tcp_checksum = 0xbad, .payload = "EVIL"};
  CHECK(Case(PacketSpec{.tcp_checksum = 0xbad, .payload = "EVIL"}).reason() == Reason::tcp_bad_checksum);
  CHECK(Case(spec, WireConfig{.verify_checksums = false}).payload() == "EVIL");
  PacketSpec odd = v6;
  odd.tcp_checksum = 1;
  const Case c(odd);
  CHECK(c.reason() == Reason::tcp_bad_checksum);
  CHECK(std::get<Malformed>(c.decoded).source.port == 40000);
}

TEST_CASE("SYN with FIN or RST is refused, every other mix is for the session",
          "[reassembly][wire][H04][H05][R16]") {
  CHECK(Case(PacketSpec{.flags = syn | fin}).reason() == Reason::tcp_bad_flags);
  CHECK(Case(PacketSpec{.flags = syn | rst | ack}).reason() == Reason::tcp_bad_flags);
  for (const int flags :
       {0, +syn, syn | urg | psh, syn | ece | cwr, rst | fin | psh | urg, fin | urg | psh}) {
    CHECK(Case(PacketSpec{.flags = flags}).segment().flags.bits == flags);
  }
}

TEST_CASE("a segment from an endpoint to itself is refused", "[reassembly][wire]") {
  CHECK(Case(PacketSpec{.destination = "10.0.0.1", .source_port = 80}).reason() == Reason::land);
  CHECK(Case(PacketSpec{.destination = "10.0.0.1"}).reason() == Reason::none);
}

TEST_CASE("all options of a SYN are read", "[reassembly][wire][options]") {
  const Case c(with_options(
      {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 15, 34, 2, 30, 4, 0, 1}, syn));
  const TcpOptions& o = c.segment().options;
  CHECK(o.mss == 1460);
  CHECK(o.window_scale == 15);
  CHECK(o.sack_permitted);
  REQUIRE(o.timestamps);
  CHECK(o.timestamps->value == 9);
  CHECK(o.fast_open);
  CHECK(o.mp_capable);
  CHECK_FALSE(o.mp_join);
  CHECK_FALSE(o.unknown);
}

TEST_CASE("SACK blocks, MD5, AO, MP_JOIN, experiments and strangers are read",
          "[reassembly][wire][options]") {
  const Case sack(with_options({5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}));
  REQUIRE(sack.segment().options.sack_count == 2);
  CHECK(sack.segment().options.sack[0].right == Seq(2));
  CHECK(sack.segment().options.sack[1].left == Seq(0xffffffff));
  CHECK(Case(with_options({5, 2})).segment().options.sack_count == 0);
  Bytes md5{19, 18};
  md5.resize(18);
  CHECK(Case(with_options(md5)).segment().options.md5);
  CHECK(Case(with_options({29, 4, 1, 1})).segment().options.ao);
  CHECK(Case(with_options({30, 3, 0x10})).segment().options.mp_join);
  CHECK(Case(with_options({254, 4, 0xf9, 0x89}, syn)).segment().options.fast_open);
  CHECK(Case(with_options({254, 4, 0xe2, 0xd4}, syn)).segment().options.unknown);
  CHECK(Case(with_options({28, 4, 0, 1})).segment().options.unknown);
}

TEST_CASE("bytes behind the end of the option list are padding", "[reassembly][wire][options]") {
  const Case c(with_options({1, 0, 8, 99}));
  CHECK(c.reason() == Reason::none);
  CHECK_FALSE(c.segment().options.timestamps);
}

TEST_CASE("an option list that does not parse is refused", "[reassembly][wire][options][D12][R08]") {
  const auto list =
      GENERATE(as<Bytes>(), Bytes{0x55, 0, 1, 1}, Bytes{0x55, 1, 1, 1}, Bytes{1, 1, 1, 0x55},
               Bytes{0x55, 5, 0, 0}, Bytes{8, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}, Bytes{2, 3, 5, 1},
               Bytes{3, 4, 1, 1}, Bytes{4, 3, 1, 1}, Bytes{5, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1},
               Bytes{19, 4, 0, 0}, Bytes{29, 3, 0, 1}, Bytes{30, 2, 1, 1}, Bytes{34, 5, 0, 0, 0, 1, 1, 1},
               Bytes{8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 8, 10, 0, 0, 0, 2, 0, 0, 0, 0},  // two values
               Bytes{3, 3, 7, 3, 3, 8, 1, 1});
  CHECK(Case(with_options(list)).reason() == Reason::tcp_bad_options);
}

TEST_CASE("what is not TCP passes with a kind to count", "[reassembly][wire][I09]") {
  const auto kind = [](std::uint8_t protocol, const Bytes& body, const std::string& from = "10.0.0.1") {
    PacketSpec spec{.source = from, .destination = from, .protocol = protocol};
    return *Case(build_ip(spec, body)).passed();
  };
  const Bytes udp{0, 53, 0x10, 0, 0, 8, 0, 0}, vxlan{0, 53, 0x12, 0xb5, 0, 8, 0, 0};
  CHECK(kind(17, udp) == PassKind::udp);
  CHECK(kind(17, udp, "::1") == PassKind::udp);
  CHECK(kind(17, vxlan) == PassKind::tunnel);
  CHECK(kind(17, {}) == PassKind::udp);
  CHECK(kind(1, {8, 0}) == PassKind::icmp);
  CHECK(kind(58, {128, 0}, "::1") == PassKind::icmp);
  CHECK(kind(58, {135, 0}, "::1") == PassKind::neighbour_discovery);
  CHECK(kind(132, {}) == PassKind::sctp);
  for (const int protocol : {4, 41, 47, 50, 97, 115, 137}) {
    CHECK(kind(static_cast<std::uint8_t>(protocol), {}) == PassKind::tunnel);
  }
  CHECK(kind(89, {}) == PassKind::other_ip);
  CHECK(kind(59, {}, "::1") == PassKind::other_ip);
  CHECK(Case(PacketSpec{.ethertype = 0x0806}).passed() == PassKind::arp);
  CHECK(Case(PacketSpec{.ethertype = 0x8847}).passed() == PassKind::tunnel);
  CHECK(Case(PacketSpec{.ethertype = 0x88cc}).passed() == PassKind::non_ip);
  CHECK(Case(PacketSpec{.ethertype = 0x0040}).passed() == PassKind::non_ip);
}

TEST_CASE("a frame too short for its own headers is truncated, at every length", "[reassembly][wire]") {
  PacketSpec deep = v6;
  deep.vlans = {5, 6};
  deep.extensions = {{0, {0, 1, 4, 0, 0, 0, 0}}, {60, {0, 1, 4, 0, 0, 0, 0}}};
  const auto spec = GENERATE_COPY(
      PacketSpec{.ip_options = {1, 1, 1, 1}, .options = {1, 1, 1, 1}, .payload = "hello"}, deep);
  Bytes whole = build_packet(spec);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes exact(whole.begin(),
                whole.begin() + static_cast<long>(length));  // so that asan sees a read behind it
    Frame frame = frame_of(exact);
    CHECK(std::holds_alternative<Malformed>(decode(frame, {})));
    frame.wire_length = static_cast<std::uint32_t>(whole.size());
    const Decoded cut = decode(frame, {});
    REQUIRE(std::holds_alternative<Malformed>(cut));
    CHECK(std::get<Malformed>(cut).reason == Reason::truncated_frame);
  }
}

TEST_CASE("random bytes and damaged packets never lead outside of the frame",
          "[reassembly][wire][property]") {
  const auto inside = [](const Frame& frame) {
    const Decoded decoded = decode(frame, {.verify_checksums = *rc::gen::arbitrary<bool>()});
    const auto* segment = std::get_if<Segment>(&decoded);
    if (segment == nullptr) return;
    const Layout& l = segment->layout;
    RC_ASSERT(l.ip < l.tcp && l.tcp + 20 <= l.payload && l.payload <= l.end && l.end <= frame.bytes.size());
    RC_ASSERT(segment->payload.size() == l.end - l.payload);
  };
  CHECK(rc::check("random bytes", [&](Bytes bytes) {
    Frame frame = frame_of(bytes, static_cast<LinkType>(*rc::gen::inRange(0, 5)));
    frame.wire_length += *rc::gen::element(0U, 1U, 1000U);
    inside(frame);
  }));
  CHECK(rc::check("damaged packets", [&](std::string payload, Bytes options) {
    PacketSpec spec{.link = static_cast<LinkType>(*rc::gen::inRange(0, 5)), .payload = std::move(payload)};
    options.resize(std::min<std::size_t>(options.size(), 40));
    spec.options = std::move(options);
    if (*rc::gen::arbitrary<bool>()) {
      spec.source = "fe80::1";
      spec.destination = "fe80::2";
      spec.extensions = {
          {static_cast<std::uint8_t>(*rc::gen::element(0, 43, 44, 51, 60)), {0, 1, 4, 0, 0, 0, 0}}};
    }
    Bytes bytes = build_packet(spec);
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    bytes.resize(*rc::gen::inRange<std::size_t>(bytes.size() / 2, bytes.size() + 1));
    inside(frame_of(bytes, spec.link));
  }));
}

TEST_CASE("named prefixes tell the side of a packet, unless both ends are on one",
          "[reassembly][wire][sides]") {
  const auto inside = std::make_shared<InsidePrefixes>();
  const auto add = [&](std::initializer_list<int> bytes, std::uint8_t version, std::uint8_t bits) {
    Address address;
    address.version = version;
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
    inside->add(address, bits);
  };
  add({10, 1, 0x80}, 4, 17);
  add({192, 0, 2, 7}, 4, 32);
  add({0x20, 0x01, 0x0d, 0xb8}, 6, 32);
  const auto side = [&](const std::string& source, const std::string& destination) {
    const Case c(PacketSpec{.source = source, .destination = destination}, {.inside = inside});
    return c.segment().side;
  };
  CHECK(side("10.1.128.1", "10.1.127.1") == Side::inside);
  CHECK(side("10.1.127.1", "10.1.128.1") == Side::outside);
  CHECK(side("10.1.255.255", "192.0.2.7") == Side::unknown);
  CHECK(side("192.0.2.7", "192.0.2.6") == Side::inside);
  CHECK(side("192.0.2.6", "192.0.2.8") == Side::unknown);
  CHECK(side("2001:db8:ffff::1", "2001:db9::1") == Side::inside);
  CHECK(side("2001:db9::1", "2001:db8::1") == Side::outside);
  // Ports that tell them count first.
  const Case port(PacketSpec{.source = "192.0.2.7"}, {.sides = true, .inside = inside});
  CHECK(port.segment().side == Side::outside);
}
