// Options that judge one packet: its headers, its size, what was found about it.
#include <algorithm>

#include "signatures/language/keywords.hpp"
#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::uint64_t kByte = 0xff;
constexpr std::uint64_t kWord = 0xffff;

// Adds the option that `make` builds from the comparison.
template <typename Make>
Parsed compare(Draft& draft, const Option& option, std::uint64_t high, Make make) {
  const auto comparison = parse_comparison(option.value, high);
  if (!comparison) return tl::unexpected(comparison.error());
  draft.add_packet(make(*comparison), option.name);
  return {};
}

struct NamedNumber {
  std::string_view name;
  std::int16_t value;
};

std::optional<std::int16_t> value_of(std::span<const NamedNumber> table, std::string_view name) {
  const auto it = std::find_if(table.begin(), table.end(),
                               [&](const NamedNumber& row) { return same_word(row.name, name); });
  if (it == table.end()) return std::nullopt;
  return it->value;
}

// IANA protocol numbers by the names that systems know them by.
constexpr NamedNumber kProtocols[] = {{"ip", 0},
                                      {"hopopt", 0},
                                      {"icmp", 1},
                                      {"igmp", 2},
                                      {"ggp", 3},
                                      {"ipencap", 4},
                                      {"ipv4", 4},
                                      {"st", 5},
                                      {"tcp", 6},
                                      {"egp", 8},
                                      {"igp", 9},
                                      {"pup", 12},
                                      {"udp", 17},
                                      {"hmp", 20},
                                      {"xns-idp", 22},
                                      {"rdp", 27},
                                      {"iso-tp4", 29},
                                      {"dccp", 33},
                                      {"xtp", 36},
                                      {"ddp", 37},
                                      {"idpr-cmtp", 38},
                                      {"ipv6", 41},
                                      {"ipv6-route", 43},
                                      {"ipv6-frag", 44},
                                      {"idrp", 45},
                                      {"rsvp", 46},
                                      {"gre", 47},
                                      {"esp", 50},
                                      {"ipv6-crypt", 50},
                                      {"ah", 51},
                                      {"ipv6-auth", 51},
                                      {"skip", 57},
                                      {"ipv6-icmp", 58},
                                      {"icmpv6", 58},
                                      {"icmp6", 58},
                                      {"ipv6-nonxt", 59},
                                      {"ipv6-opts", 60},
                                      {"rspf", 73},
                                      {"vmtp", 81},
                                      {"eigrp", 88},
                                      {"ospf", 89},
                                      {"ax.25", 93},
                                      {"ipip", 94},
                                      {"etherip", 97},
                                      {"encap", 98},
                                      {"pim", 103},
                                      {"ipcomp", 108},
                                      {"vrrp", 112},
                                      {"l2tp", 115},
                                      {"isis", 124},
                                      {"sctp", 132},
                                      {"fc", 133},
                                      {"mobility-header", 135},
                                      {"udplite", 136},
                                      {"mpls-in-ip", 137},
                                      {"manet", 138},
                                      {"hip", 139},
                                      {"shim6", 140}};

// RFC 791 and the registry of IP option numbers.
constexpr NamedNumber kIpOptions[] = {{"eol", 0},     {"nop", 1},     {"rr", 7},     {"qs", 25},
                                      {"ts", 68},     {"sec", 130},   {"lsrr", 131}, {"esec", 133},
                                      {"cipso", 134}, {"satid", 136}, {"ssrr", 137}, {"rtralt", 148},
                                      {"any", -1}};

constexpr NamedNumber kTcpFlags[] = {{"F", 0x01}, {"S", 0x02}, {"R", 0x04}, {"P", 0x08},
                                     {"A", 0x10}, {"U", 0x20}, {"E", 0x40}, {"2", 0x40},
                                     {"C", 0x80}, {"1", 0x80}, {"0", 0x00}};

struct FlagSet {
  TcpFlagsMatch::Mode mode = TcpFlagsMatch::Mode::exact;
  std::uint8_t bits = 0;
};

// Letters with one modifier among them, wherever it stands.
tl::expected<FlagSet, SyntaxError> read_flag_set(std::string_view text, bool modifier_allowed) {
  using Mode = TcpFlagsMatch::Mode;
  FlagSet set;
  bool modified = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view letter = text.substr(i, 1);
    if (is_blank(letter.front())) continue;
    if (const auto bits = value_of(kTcpFlags, letter)) {
      set.bits = static_cast<std::uint8_t>(set.bits | *bits);
      continue;
    }
    constexpr std::string_view modifiers = "=+*!-";
    constexpr Mode modes[] = {Mode::exact, Mode::all, Mode::any, Mode::not_all, Mode::not_all};
    const std::size_t which = modifiers.find(letter);
    if (which == std::string_view::npos) {
      return refused(letter, "flags are F, S, R, P, A, U, E, C or 0, with +, * or ! as a modifier");
    }
    if (modified || !modifier_allowed) return refused(letter, "one modifier, on the flags before the comma");
    modified = true;
    set.mode = modes[which];
  }
  return set;
}

Parsed read_checksum(Draft& draft, const Option& option, ChecksumMatch::Layer layer) {
  const bool valid = same_word(option.value, "valid");
  if (!valid && !same_word(option.value, "invalid"))
    return refused(option.value, "a checksum is `valid` or `invalid`");
  draft.add_packet(ChecksumMatch{layer, valid}, option.name);
  return {};
}

template <typename Wanted>
Parsed read_exact(Draft& draft, const Option& option) {
  const auto value = number<std::uint32_t>(option.value, 0);
  if (!value) return refused(option.value, std::string(option.name) + " is a number from 0 to 4294967295");
  draft.add_packet(Wanted{*value}, option.name);
  return {};
}

Parsed read_icmp(Draft& draft, const Option& option, IcmpNumber::Field field, std::uint64_t high) {
  return compare(draft, option, high, [field](Comparison value) { return IcmpNumber{field, value}; });
}

}  // namespace

Parsed read_dsize(Draft& draft, const Option& option) {
  if (!draft.first(Once::dsize)) return refused(option.name, "a rule has one dsize");
  return compare(draft, option, kWord, [](Comparison value) { return Dsize{value}; });
}

Parsed read_ttl(Draft& draft, const Option& option) {
  return compare(draft, option, kByte, [](Comparison value) { return Ttl{value}; });
}

// tos writes hexadecimal as x2f.
Parsed read_tos(Draft& draft, const Option& option) {
  std::string_view digits = option.value;
  const bool hex = take(digits, "x") || take(digits, "X");
  const auto value = number<std::uint8_t>(digits, hex ? 16 : 10);
  if (!value) return refused(option.value, "tos is a number from 0 to 255, or x and two hexadecimal digits");
  draft.add_packet(Tos{{option.negated ? Comparison::Op::not_equal : Comparison::Op::equal, *value, 0}},
                   option.name);
  return {};
}

Parsed read_id(Draft& draft, const Option& option) {
  return compare(draft, option, kWord, [](Comparison value) { return IpId{value}; });
}

Parsed read_ip_proto(Draft& draft, const Option& option) {
  std::string_view name = option.value;
  Comparison comparison;
  if (take(name, "!")) {
    comparison.op = Comparison::Op::not_equal;
  } else if (take(name, "<")) {
    comparison.op = Comparison::Op::less;
  } else if (take(name, ">")) {
    comparison.op = Comparison::Op::greater;
  }
  name = trimmed(name);
  if (const auto value = number<std::uint8_t>(name)) {
    comparison.a = *value;
  } else if (const auto known = value_of(kProtocols, name)) {
    comparison.a = static_cast<std::uint64_t>(*known);
  } else {
    return refused(name, "`" + std::string(name) + "` is no IP protocol",
                   "a number from 0 to 255 always works");
  }
  draft.add_packet(IpProto{comparison}, option.name);
  return {};
}

Parsed read_sameip(Draft& draft, const Option& option) {
  draft.add_packet(SameIp{}, option.name);
  return {};
}

Parsed read_fragbits(Draft& draft, const Option& option) {
  using Mode = FragBits::Mode;
  FragBits bits;
  std::string_view letters = option.value;
  if (take(letters, "+")) {
    bits.mode = Mode::all;
  } else if (take(letters, "*")) {
    bits.mode = Mode::any;
  } else if (take(letters, "!") || take(letters, "-")) {
    bits.mode = Mode::not_all;
  } else {
    (void)take(letters, "=");
  }
  letters = trimmed(letters);
  if (letters.empty()) return refused(option.value, "fragbits are M, D and R, with +, * or ! before them");
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const char letter = lower(letters[i]);
    bool* bit = letter == 'm'   ? &bits.more
                : letter == 'd' ? &bits.dont
                : letter == 'r' ? &bits.reserved
                                : nullptr;
    if (bit == nullptr)
      return refused(letters.substr(i, 1), "fragbits are M, D and R, with +, * or ! before them");
    *bit = true;
  }
  draft.add_packet(bits, option.name);
  return {};
}

Parsed read_fragoffset(Draft& draft, const Option& option) {
  return compare(draft, option, kWord, [](Comparison value) { return FragOffset{value}; });
}

Parsed read_ipopts(Draft& draft, const Option& option) {
  const auto kind = value_of(kIpOptions, option.value);
  if (!kind) {
    return refused(option.value,
                   "ipopts is one of eol, nop, rr, qs, ts, sec, esec, lsrr, ssrr, cipso, satid, rtralt, any");
  }
  draft.add_packet(IpOpts{*kind}, option.name);
  return {};
}

Parsed read_tcp_flags(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 3);
  if (pieces.size() > 2) return refused(pieces[2], "flags take one comma, before those to ignore");
  TcpFlagsMatch match;
  if (const auto value = number<std::uint8_t>(option.value, 0);
      value && *value > 2) {  // 0, 1 and 2 are letters here
    match.bits = *value;
  } else {
    const auto wanted = read_flag_set(pieces[0], true);
    if (!wanted) return tl::unexpected(wanted.error());
    if (pieces[0].empty()) return refused(option.value, "flags are missing; 0 stands for none");
    match.mode = wanted->mode;
    match.bits = wanted->bits;
  }
  if (pieces.size() == 2) {
    const auto ignored = read_flag_set(pieces[1], false);
    if (!ignored) return tl::unexpected(ignored.error());
    if (match.mode != TcpFlagsMatch::Mode::exact) {
      return refused(pieces[1], "flags to ignore have a meaning only without modifier");
    }
    match.ignored = ignored->bits;
  }
  draft.add_packet(match, option.name);
  return {};
}

Parsed read_seq(Draft& draft, const Option& option) {
  return read_exact<TcpSeq>(draft, option);
}
Parsed read_ack(Draft& draft, const Option& option) {
  return read_exact<TcpAck>(draft, option);
}

Parsed read_window(Draft& draft, const Option& option) {
  std::string_view digits = option.value;
  const bool negated = take(digits, "!");
  const auto value = number<std::uint16_t>(trimmed(digits), 0);
  if (!value)
    return refused(option.value, "window is a number from 0 to 65535, with or without `!` before it");
  draft.add_packet(TcpWindow{*value, negated}, option.name);
  return {};
}

Parsed read_tcp_mss(Draft& draft, const Option& option) {
  return compare(draft, option, kWord, [](Comparison value) { return TcpMss{value}; });
}
Parsed read_tcp_wscale(Draft& draft, const Option& option) {
  return compare(draft, option, kByte, [](Comparison value) { return TcpWscale{value}; });
}

Parsed read_ipv4_csum(Draft& draft, const Option& option) {
  return read_checksum(draft, option, ChecksumMatch::Layer::ipv4);
}
Parsed read_tcpv4_csum(Draft& draft, const Option& option) {
  return read_checksum(draft, option, ChecksumMatch::Layer::tcpv4);
}
Parsed read_tcpv6_csum(Draft& draft, const Option& option) {
  return read_checksum(draft, option, ChecksumMatch::Layer::tcpv6);
}

Parsed read_itype(Draft& draft, const Option& option) {
  return read_icmp(draft, option, IcmpNumber::Field::type, kByte);
}
Parsed read_icode(Draft& draft, const Option& option) {
  return read_icmp(draft, option, IcmpNumber::Field::code, kByte);
}
Parsed read_icmp_id(Draft& draft, const Option& option) {
  return read_icmp(draft, option, IcmpNumber::Field::id, kWord);
}
Parsed read_icmp_seq(Draft& draft, const Option& option) {
  return read_icmp(draft, option, IcmpNumber::Field::sequence, kWord);
}

Parsed read_stream_event(Draft& draft, const Option& option) {
  std::string_view name = option.value;
  (void)take(name, "stream.");
  if (!is_stream_event(name)) return refused(name, "`" + std::string(name) + "` is no stream event");
  // Two events have a second, longer name.
  std::string canonical(name);
  constexpr std::string_view longer = "with_different_ack";
  if (const std::size_t at = canonical.find(longer); at != std::string::npos)
    canonical.replace(at, longer.size(), "with_diff_ack");
  draft.add_packet(StreamEvent{std::move(canonical)}, option.name);
  return {};
}

}  // namespace lockstep::signatures
