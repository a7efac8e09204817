// A rule as parsed: plain values, names resolved, nothing compiled. Immutable once in a RuleSet. The language
// is Suricata's; offsets and lengths are bytes.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "signatures/address_set.hpp"
#include "signatures/app_protocol.hpp"
#include "signatures/port_set.hpp"

namespace lockstep::signatures {

enum class Action : std::uint8_t { pass, drop, reject, reject_dst, reject_both, alert };

// What the protocol field of a rule may name. `application`: TCP, and Rule::application says which protocols.
enum class RuleProtocol : std::uint8_t {
  ip,
  ipv4,
  ipv6,
  tcp,
  tcp_pkt,
  tcp_stream,
  udp,
  icmp,
  icmpv6,
  sctp,
  application
};

// An integer comparison as keywords write it: N, >N, <=N, !N, A-B and A<>B (both ends exclusive),
// &mask=value.
struct Comparison {
  enum class Op : std::uint8_t {
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    between,
    masked
  };
  Op op = Op::equal;
  std::uint64_t a = 0;
  std::uint64_t b = 0;  // upper end of between; the value of masked (a is the mask)

  [[nodiscard]] bool matches(std::uint64_t value) const;
};

// A number written in the rule, or the index of a byte_extract/byte_math variable of the same rule.
struct Operand {
  std::int64_t value = 0;
  std::int16_t variable = -1;  // -1: `value` counts

  [[nodiscard]] bool is_variable() const { return variable >= 0; }
};

// ---- payload options, evaluated in the order of the rule ----

enum class FastPattern : std::uint8_t { automatic, whole, only, chop };

struct Content {
  std::vector<std::uint8_t> pattern;
  bool negated = false;
  bool nocase = false;
  bool starts_with = false;
  bool ends_with = false;
  std::optional<Operand> offset;
  std::optional<Operand> depth;  // as written; the window ends at offset + depth
  std::optional<Operand> distance;
  std::optional<Operand> within;
  FastPattern fast_pattern = FastPattern::automatic;
  std::uint16_t chop_offset = 0;
  std::uint16_t chop_length = 0;

  [[nodiscard]] bool relative() const { return distance.has_value() || within.has_value(); }
};

struct IsDataAt {
  Operand at;
  bool negated = false;
  bool relative = false;
};

struct Pcre {
  std::string pattern;        // without delimiters
  std::uint32_t options = 0;  // PCRE2_* compile options; the parser has compiled it with these
  bool negated = false;
  bool relative = false;        // flag R
  bool override_limit = false;  // flag O
};

enum class Endian : std::uint8_t { big, little };
enum class NumberBase : std::uint8_t { binary, hex, decimal, octal };  // binary: not a string

struct ByteRead {
  Operand bytes;
  Operand offset;
  bool relative = false;
  Endian endian = Endian::big;
  NumberBase base = NumberBase::binary;
  std::uint64_t bitmask = std::numeric_limits<std::uint64_t>::max();
  std::uint8_t bitmask_shift = 0;  // count of trailing zeros of the mask
};

struct ByteTest {
  enum class Op : std::uint8_t { less, greater, equal, less_equal, greater_equal, bit_and, bit_xor };
  ByteRead read;
  Op op = Op::equal;
  bool negated = false;
  Operand value;
};

struct ByteJump {
  enum class From : std::uint8_t { here, beginning, end };
  ByteRead read;
  std::uint32_t multiplier = 1;
  bool align = false;
  From from = From::here;
  Operand post_offset;
};

struct ByteExtract {
  ByteRead read;
  std::uint32_t multiplier = 1;
  std::uint8_t align = 0;  // 0, 2 or 4
  std::int16_t result = 0;
};

struct ByteMath {
  enum class Op : std::uint8_t { add, subtract, multiply, divide, shift_left, shift_right };
  ByteRead read;
  Op op = Op::add;
  Operand rvalue;
  std::int16_t result = 0;
};

using PayloadOption = std::variant<Content, IsDataAt, Pcre, ByteTest, ByteJump, ByteExtract, ByteMath>;

// ---- packet options: one packet's header or size ----

struct Dsize {
  Comparison size;
};
struct Ttl {
  Comparison value;
};
struct Tos {
  Comparison value;
};
struct IpId {
  Comparison value;
};
struct IpProto {
  Comparison value;
};
struct SameIp {};
struct FragBits {
  enum class Mode : std::uint8_t { exact, all, any, not_all };  // (none), +, *, !
  Mode mode = Mode::exact;
  bool more = false, dont = false, reserved = false;
};
struct FragOffset {
  Comparison value;
};
struct IpOpts {
  std::int16_t kind = -1;  // an IPv4 option number; -1: any
};

// exact: the flags but for the ignored are the bits; all: (flags & bits) == bits; any: (flags & bits) != 0;
// not_all (`!`): (flags & bits) != bits. Only exact has ignored bits.
struct TcpFlagsMatch {
  enum class Mode : std::uint8_t { exact, all, any, not_all };
  Mode mode = Mode::exact;
  std::uint8_t bits = 0;
  std::uint8_t ignored = 0;
};
struct TcpSeq {
  std::uint32_t value = 0;
};
struct TcpAck {
  std::uint32_t value = 0;
};
struct TcpWindow {
  std::uint16_t value = 0;
  bool negated = false;
};
struct TcpMss {
  Comparison value;
};
struct TcpWscale {
  Comparison value;
};
struct ChecksumMatch {
  enum class Layer : std::uint8_t { ipv4, tcpv4, tcpv6 };
  Layer layer = Layer::tcpv4;
  bool valid = true;
};
struct IcmpNumber {
  enum class Field : std::uint8_t { type, code, id, sequence };
  Field field = Field::type;
  Comparison value;
};
struct StreamEvent {
  std::string name;
};  // without the prefix "stream."

using PacketOption =
    std::variant<Dsize, Ttl, Tos, IpId, IpProto, SameIp, FragBits, FragOffset, IpOpts, TcpFlagsMatch, TcpSeq,
                 TcpAck, TcpWindow, TcpMss, TcpWscale, ChecksumMatch, IcmpNumber, StreamEvent>;

// ---- state options ----

struct FlowOption {
  enum class Side : std::uint8_t { any, to_server, to_client };
  enum class State : std::uint8_t { any, established, not_established, stateless };
  enum class Scope : std::uint8_t { any, only_stream, no_stream };
  enum class Fragments : std::uint8_t { any, only, none };
  Side side = Side::any;
  State state = State::any;
  Scope scope = Scope::any;
  Fragments fragments = Fragments::any;
  bool operator==(const FlowOption&) const = default;
};

enum class BitOp : std::uint8_t { set, unset, toggle, is_set, is_not_set };

struct Flowbits {
  BitOp op = BitOp::set;
  std::vector<std::uint32_t>
      bits;  // indices into Names::flowbits; more than one: any of them (| in the rule)
};

// Also hostbits, which are the same bits of the same host under the same name: `host` only remembers the
// keyword.
struct Xbits {
  enum class Track : std::uint8_t { source, destination, pair };
  BitOp op = BitOp::set;
  std::uint32_t bit = 0;  // index into Names::xbits
  Track track = Track::source;
  std::chrono::seconds expire{30};
  bool host = false;
};

struct Flowint {
  enum class Op : std::uint8_t {
    assign,
    add,
    subtract,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    is_set,
    is_not_set
  };
  Op op = Op::assign;
  std::uint32_t variable = 0;  // index into Names::flowints
  std::uint32_t value = 0;
  std::int32_t other = -1;  // index of another flowint to use in place of `value`; -1: none
};

struct StreamSize {
  enum class Side : std::uint8_t { server, client, both, either };
  Side side = Side::both;
  Comparison size;
};

struct FlowCounter {  // flow.age, flow.pkts, flow.bytes
  enum class What : std::uint8_t { age, packets, bytes };
  enum class Side : std::uint8_t { to_server, to_client, both, either };
  What what = What::age;
  Side side = Side::both;
  Comparison value;
};

using StateOption = std::variant<Flowbits, Xbits, Flowint, StreamSize, FlowCounter>;

// ---- what the connection speaks ----

// app-layer-protocol. `direction` is the packet's own; `final` the flow's.
struct AppLayerProtocol {
  enum class Of : std::uint8_t { direction, to_server, to_client, either, flow };
  ProtocolSet protocols;
  bool negated = false;  // and not unknown
  Of of = Of::direction;
};

// ---- rate control ----

struct Threshold {
  enum class Type : std::uint8_t { limit, threshold, both, backoff, detection_filter };
  enum class Track : std::uint8_t { by_src, by_dst, by_both, by_rule, by_flow };
  enum class UniqueOn : std::uint8_t { none, src_port, dst_port };
  Type type = Type::limit;
  Track track = Track::by_src;
  std::uint32_t count = 1;
  std::chrono::seconds seconds{60};
  std::uint32_t multiplier = 10;
  UniqueOn unique_on = UniqueOn::none;
};

// ---- the rule ----

struct Reference {
  std::string type;
  std::string id;
  std::string url;  // with the prefix from reference.config, empty if the type is unknown there
};

struct RuleId {
  std::uint32_t gid = 1;
  std::uint32_t sid = 0;
  std::uint32_t rev = 0;
  auto operator<=>(const RuleId&) const = default;  // NOLINT(modernize-use-nullptr)
};

// On what a rule is judged. Packet options force the packet; contents alone make a stream rule; contents with
// depth, offset or startswith, or beside stream_size, are judged on both. A packet that belongs to no stream
// (UDP, ICMP, TCP without a flow) is judged by its own payload for `stream` too. header_only: no payload
// option; ip_only: addresses and IP protocol alone, judged on the first packet of each direction of a flow;
// protocol_only: app-layer-protocol alone, judged on the packet of each direction that decides its protocol.
enum class Inspection : std::uint8_t {
  packet,
  stream,
  packet_and_stream,
  header_only,
  ip_only,
  protocol_only
};

// The names that the rules of one set share; the options hold indices into these.
struct Names {
  std::vector<std::string> flowbits;
  std::vector<std::string> xbits;  // and hostbits
  std::vector<std::string> flowints;
};

struct SourcePlace {
  std::uint32_t file = 0;  // index into the report's file names
  std::uint32_t line = 0;  // from 1
};

struct Rule {
  RuleId id;
  Action action = Action::alert;
  RuleProtocol protocol = RuleProtocol::tcp;
  ProtocolSet application;  // with RuleProtocol::application: any of these, spoken by either side
  AddressSet source, destination;
  PortSet source_ports, destination_ports;
  bool bidirectional = false;  // <>
  std::string message;
  std::string classtype;  // short name, empty if none
  std::string category;   // its description
  std::uint8_t priority = 3;
  std::vector<Reference> references;
  std::vector<std::pair<std::string, std::string>> metadata;
  enum class Target : std::uint8_t { none, source, destination } target = Target::none;

  FlowOption flow;
  std::vector<PayloadOption> payload;
  std::vector<PayloadOption> tcp_header;  // behind tcp.hdr: on the bytes of the packet's TCP header
  std::vector<PacketOption> packet;
  std::vector<StateOption> state;
  std::vector<AppLayerProtocol> protocols;  // app-layer-protocol
  std::optional<Threshold> threshold;       // threshold or detection_filter of the rule itself
  bool no_alert = false;
  bool alert_on_pass = false;  // keyword alert
  bool bypass = false;
  bool prefilter = false;
  std::uint8_t variables = 0;  // byte_extract and byte_math results

  [[nodiscard]] bool asks_for_protocol() const { return !application.empty() || !protocols.empty(); }

  Inspection inspection = Inspection::stream;
  bool shadow = false;  // evaluated and told, never acted on (shadow.hpp)
  std::string text;     // the rule as written, continuation lines joined
  SourcePlace place;
};

}  // namespace lockstep::signatures
