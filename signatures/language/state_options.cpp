// Options about the flow, its bits and numbers, and what is kept for hosts.
#include <algorithm>

#include "signatures/language/options.hpp"

namespace lockstep::signatures {
namespace {

constexpr std::uint32_t kHostbitExpire = 300;  // seconds, as in Suricata; the rule can't say
constexpr std::size_t kMaxAlternatives = 64;   // flowbits joined by `|`

// Sets a part of the flow option that no other word may have set.
template <typename Part>
Parsed set_once(Part& part, Part to, std::string_view word) {
  if (part != Part::any)
    return refused(word, "`" + std::string(word) + "` repeats or contradicts a word before it");
  part = to;
  return {};
}

Parsed read_flow_word(FlowOption& flow, std::string_view word) {
  const auto is = [word](std::string_view name) { return same_word(word, name); };
  if (is("to_server") || is("from_client")) return set_once(flow.side, FlowOption::Side::to_server, word);
  if (is("to_client") || is("from_server")) return set_once(flow.side, FlowOption::Side::to_client, word);
  if (is("established")) return set_once(flow.state, FlowOption::State::established, word);
  if (is("not_established")) return set_once(flow.state, FlowOption::State::not_established, word);
  if (is("stateless")) return set_once(flow.state, FlowOption::State::stateless, word);
  if (is("only_stream")) return set_once(flow.scope, FlowOption::Scope::only_stream, word);
  if (is("no_stream")) return set_once(flow.scope, FlowOption::Scope::no_stream, word);
  if (is("only_frag")) return set_once(flow.fragments, FlowOption::Fragments::only, word);
  if (is("no_frag")) return set_once(flow.fragments, FlowOption::Fragments::none, word);
  return refused(word, "`" + std::string(word) + "` is no word of flow");
}

std::optional<BitOp> bit_op(std::string_view word) {
  if (word == "set") return BitOp::set;
  if (word == "unset") return BitOp::unset;
  if (word == "toggle") return BitOp::toggle;
  if (word == "isset") return BitOp::is_set;
  if (word == "isnotset") return BitOp::is_not_set;
  return std::nullopt;
}

bool valid_name(std::string_view name) {
  return !name.empty() &&
         std::none_of(name.begin(), name.end(), [](char c) { return is_blank(c) || c == '"'; });
}

Parsed bad_op(std::string_view word) {
  return refused(word, "the operation is set, unset, toggle, isset or isnotset");
}

Parsed read_xbits_word(Draft& draft, Xbits& bits, std::string_view piece, std::uint32_t& seen) {
  const auto [word, value] = word_and_rest(piece);
  const std::uint32_t bit = word == "track" ? 1 : 2;
  if (word != "track" && word != "expire") return refused(piece, "xbits know `track` and `expire`");
  if ((seen & bit) != 0) return refused(piece, "`" + std::string(word) + "` stands twice");
  seen |= bit;
  if (word == "expire") {
    const auto seconds = number<std::uint32_t>(value);
    if (!seconds || *seconds == 0) return refused(value, "expire is a number of seconds from 1");
    bits.expire = std::chrono::seconds(*seconds);
  } else if (value == "ip_src") {
    bits.track = Xbits::Track::source;
  } else if (value == "ip_dst") {
    bits.track = Xbits::Track::destination;
  } else if (value == "ip_pair") {
    bits.track = Xbits::Track::pair;
  } else if (value == "tx") {
    draft.lacks("xbits:tx");
  } else {
    return refused(value, "xbits track ip_src, ip_dst, ip_pair or tx");
  }
  return {};
}

struct IntOperator {
  std::string_view text;
  Flowint::Op op;
};
constexpr IntOperator kIntOperators[] = {
    {"=", Flowint::Op::assign},          {"+", Flowint::Op::add},
    {"-", Flowint::Op::subtract},        {"==", Flowint::Op::equal},
    {"!=", Flowint::Op::not_equal},      {"<", Flowint::Op::less},
    {"<=", Flowint::Op::less_equal},     {">", Flowint::Op::greater},
    {">=", Flowint::Op::greater_equal},  {"isset", Flowint::Op::is_set},
    {"notset", Flowint::Op::is_not_set}, {"isnotset", Flowint::Op::is_not_set}};

Parsed read_counter(Draft& draft, const Option& option, FlowCounter::What what, FlowCounter::Side side,
                    std::string_view value) {
  const std::uint64_t high = what == FlowCounter::What::bytes ? ~std::uint64_t{0} : 0xffffffffU;
  const auto comparison = parse_comparison(value, high);
  if (!comparison) return tl::unexpected(comparison.error());
  draft.rule.state.emplace_back(FlowCounter{what, side, *comparison});
  draft.ip_compatible = false;
  if (draft.packet_option.empty()) draft.packet_option = option.name;
  return {};
}

Parsed read_sided_counter(Draft& draft, const Option& option, FlowCounter::What what) {
  const auto pieces = split(option.value, ',', 2);
  constexpr std::pair<std::string_view, FlowCounter::Side> sides[] = {
      {"toserver", FlowCounter::Side::to_server},
      {"toclient", FlowCounter::Side::to_client},
      {"both", FlowCounter::Side::both},
      {"either", FlowCounter::Side::either}};
  for (const auto& [name, side] : sides) {
    if (pieces.size() == 2 && pieces[0] == name) return read_counter(draft, option, what, side, pieces[1]);
  }
  return refused(option.value, std::string(option.name) +
                                   " is `side,comparison`, the side one of toserver, toclient, "
                                   "both, either");
}

}  // namespace

Parsed read_flow(Draft& draft, const Option& option) {
  if (!draft.first(Once::flow)) {
    return refused(option.name, "a rule has one flow option", "put all its words into one, with commas");
  }
  FlowOption& flow = draft.rule.flow;
  for (const std::string_view word : split(option.value, ',')) {
    if (Parsed parsed = read_flow_word(flow, word); !parsed) return parsed;
  }
  draft.ip_compatible = false;
  return {};
}

Parsed read_flowbits(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 3);
  if (pieces[0] == "noalert") {
    if (pieces.size() > 1) return refused(pieces[1], "noalert stands alone");
    draft.rule.no_alert = true;
    return {};
  }
  const auto op = bit_op(pieces[0]);
  if (!op) return bad_op(pieces[0]);
  if (pieces.size() != 2) return refused(option.value, "flowbits are `operation,name`");
  Flowbits bits;
  bits.op = *op;
  const auto names = split(pieces[1], '|', kMaxAlternatives + 1);
  if (names.size() > kMaxAlternatives) return refused(pieces[1], "at most 64 flowbits are joined by `|`");
  const bool checks = *op == BitOp::is_set || *op == BitOp::is_not_set;
  if (names.size() > 1 && !checks)
    return refused(pieces[1], "only isset and isnotset take names joined by `|`");
  for (const std::string_view name : names) {
    if (!valid_name(name)) return refused(name, "a flowbit's name has no blanks and is not empty");
    bits.bits.push_back(Draft::index_of(draft.names.flowbits, name));
  }
  draft.rule.state.emplace_back(std::move(bits));
  if (*op != BitOp::set) draft.ip_compatible = false;
  return {};
}

Parsed read_flowint(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 3);
  if (pieces.size() < 2) return refused(option.value, "flowint is `name,operation[,value]`");
  if (!valid_name(pieces[0])) return refused(pieces[0], "a flowint's name has no blanks and is not empty");
  const auto* known = std::find_if(std::begin(kIntOperators), std::end(kIntOperators),
                                   [&](const IntOperator& row) { return row.text == pieces[1]; });
  if (known == std::end(kIntOperators)) {
    return refused(pieces[1], "the operation is =, +, -, ==, !=, <, <=, >, >=, isset or notset");
  }
  Flowint out;
  out.op = known->op;
  out.variable = Draft::index_of(draft.names.flowints, pieces[0]);
  const bool takes_value = out.op != Flowint::Op::is_set && out.op != Flowint::Op::is_not_set;
  const std::string_view value = pieces.size() == 3 ? pieces[2] : std::string_view{};
  if (takes_value && value.empty()) return refused(option.value, "this operation needs a value");
  if (takes_value && is_letter(value.front())) {
    out.other = static_cast<std::int32_t>(Draft::index_of(draft.names.flowints, value));
  } else if (takes_value) {
    const auto parsed = number<std::uint32_t>(value);
    if (!parsed) return refused(value, "a value is a number up to 4294967295 or the name of a flowint");
    out.value = *parsed;
  } else if (!value.empty()) {
    return refused(value, "this operation takes no value");
  }
  draft.rule.state.emplace_back(out);
  draft.ip_compatible = false;
  return {};
}

Parsed read_xbits(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 5);
  if (pieces[0] == "noalert" && pieces.size() == 1) {
    draft.rule.no_alert = true;
    return {};
  }
  Xbits bits;
  const auto op = bit_op(pieces[0]);
  if (!op) return bad_op(pieces[0]);
  if (pieces.size() < 3)
    return refused(option.value, "xbits are `operation,name,track ip_src|ip_dst|ip_pair[,expire seconds]`");
  if (!valid_name(pieces[1])) return refused(pieces[1], "an xbit's name has no blanks and is not empty");
  bits.op = *op;
  bits.bit = Draft::index_of(draft.names.xbits, pieces[1]);
  std::uint32_t seen = 0;
  for (std::size_t i = 2; i < pieces.size(); ++i) {
    if (Parsed word = read_xbits_word(draft, bits, pieces[i], seen); !word) return word;
  }
  if ((seen & 1) == 0)
    return refused(option.value, "xbits need `track ip_src`, `track ip_dst` or `track ip_pair`");
  draft.rule.state.emplace_back(bits);
  return {};
}

Parsed read_hostbits(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 4);
  if (pieces[0] == "noalert" && pieces.size() == 1) {
    draft.rule.no_alert = true;
    return {};
  }
  Xbits bits;
  const auto op = bit_op(pieces[0]);
  if (!op) return bad_op(pieces[0]);
  if (pieces.size() < 2 || pieces.size() > 3)
    return refused(option.value, "hostbits are `operation,name[,src|dst]`");
  if (!valid_name(pieces[1])) return refused(pieces[1], "a hostbit's name has no blanks and is not empty");
  if (pieces.size() == 3 && pieces[2] != "src" && pieces[2] != "dst")
    return refused(pieces[2], "hostbits are kept for src or dst");
  bits.op = *op;
  bits.bit = Draft::index_of(draft.names.xbits, pieces[1]);
  bits.track = pieces.size() == 3 && pieces[2] == "dst" ? Xbits::Track::destination : Xbits::Track::source;
  bits.expire = std::chrono::seconds(kHostbitExpire);
  bits.host = true;
  draft.rule.state.emplace_back(bits);
  return {};
}

Parsed read_stream_size(Draft& draft, const Option& option) {
  const auto pieces = split(option.value, ',', 3);
  if (pieces.size() != 3) return refused(option.value, "stream_size is `side,operator,bytes`");
  constexpr std::pair<std::string_view, StreamSize::Side> sides[] = {{"server", StreamSize::Side::server},
                                                                     {"client", StreamSize::Side::client},
                                                                     {"both", StreamSize::Side::both},
                                                                     {"either", StreamSize::Side::either}};
  using Op = Comparison::Op;
  constexpr std::pair<std::string_view, Op> operators[] = {{"<", Op::less},        {">", Op::greater},
                                                           {"=", Op::equal},       {"!=", Op::not_equal},
                                                           {"<=", Op::less_equal}, {">=", Op::greater_equal}};
  const auto* side = std::find_if(std::begin(sides), std::end(sides),
                                  [&](const auto& row) { return row.first == pieces[0]; });
  const auto* op = std::find_if(std::begin(operators), std::end(operators),
                                [&](const auto& row) { return row.first == pieces[1]; });
  const auto bytes = number<std::uint32_t>(pieces[2]);
  if (side == std::end(sides)) return refused(pieces[0], "the side is server, client, both or either");
  if (op == std::end(operators)) return refused(pieces[1], "the operator is <, >, =, !=, <= or >=");
  if (!bytes) return refused(pieces[2], "the size is a number up to 4294967295");
  draft.rule.state.emplace_back(StreamSize{side->second, {op->second, *bytes, 0}});
  draft.ip_compatible = false;
  return {};
}

Parsed read_flow_age(Draft& draft, const Option& option) {
  return read_counter(draft, option, FlowCounter::What::age, FlowCounter::Side::both, option.value);
}
Parsed read_flow_pkts(Draft& draft, const Option& option) {
  return read_sided_counter(draft, option, FlowCounter::What::packets);
}
Parsed read_flow_pkts_to_server(Draft& draft, const Option& option) {
  return read_counter(draft, option, FlowCounter::What::packets, FlowCounter::Side::to_server, option.value);
}
Parsed read_flow_pkts_to_client(Draft& draft, const Option& option) {
  return read_counter(draft, option, FlowCounter::What::packets, FlowCounter::Side::to_client, option.value);
}
Parsed read_flow_bytes(Draft& draft, const Option& option) {
  return read_sided_counter(draft, option, FlowCounter::What::bytes);
}
Parsed read_flow_bytes_to_server(Draft& draft, const Option& option) {
  return read_counter(draft, option, FlowCounter::What::bytes, FlowCounter::Side::to_server, option.value);
}
Parsed read_flow_bytes_to_client(Draft& draft, const Option& option) {
  return read_counter(draft, option, FlowCounter::What::bytes, FlowCounter::Side::to_client, option.value);
}

}  // namespace lockstep::signatures
