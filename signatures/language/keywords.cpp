#include "signatures/language/keywords.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include "signatures/language/keyword_names.hpp"
#include "signatures/language/protocol_names.hpp"

namespace lockstep::signatures {
namespace {

using Value = Keyword::Value;
using Quotes = Keyword::Quotes;

constexpr Keyword plain(std::string_view name, Parsed (*read)(Draft&, const Option&)) {
  return {name, read, Value::required, Quotes::never, false};
}
constexpr Keyword bare(std::string_view name, Parsed (*read)(Draft&, const Option&)) {
  return {name, read, Value::none, Quotes::never, false};
}
constexpr Keyword quoted(std::string_view name, Parsed (*read)(Draft&, const Option&)) {
  return {name, read, Value::required, Quotes::optional, false};
}

constexpr Keyword kBuilt[] = {
    {"msg", read_msg, Value::required, Quotes::mandatory, false},
    plain("sid", read_sid),
    plain("gid", read_gid),
    plain("rev", read_rev),
    plain("classtype", read_classtype),
    quoted("priority", read_priority),
    {"reference", read_reference, Value::required, Quotes::optional, false},
    {"metadata", read_metadata, Value::optional, Quotes::optional, false},
    plain("target", read_target),
    bare("noalert", read_noalert),
    bare("alert", read_alert),
    bare("bypass", read_bypass),
    bare("prefilter", read_prefilter),
    plain("requires", read_requires),

    {"content", read_content, Value::required, Quotes::mandatory, true},
    {"uricontent", read_uricontent, Value::required, Quotes::mandatory, true},
    bare("nocase", read_nocase),
    bare("rawbytes", read_rawbytes),
    plain("offset", read_offset),
    plain("depth", read_depth),
    plain("distance", read_distance),
    plain("within", read_within),
    bare("startswith", read_startswith),
    bare("endswith", read_endswith),
    {"fast_pattern", read_fast_pattern, Value::optional, Quotes::never, false},
    bare("pkt_data", read_pkt_data),
    bare("tcp.hdr", read_tcp_hdr),
    plain("isdataat", read_isdataat),
    {"pcre", read_pcre, Value::required, Quotes::optional, true},
    plain("byte_test", read_byte_test),
    plain("byte_jump", read_byte_jump),
    plain("byte_extract", read_byte_extract),
    plain("byte_math", read_byte_math),

    plain("dsize", read_dsize),
    plain("ttl", read_ttl),
    {"tos", read_tos, Value::required, Quotes::optional, true},
    plain("id", read_id),
    quoted("ip_proto", read_ip_proto),
    bare("sameip", read_sameip),
    plain("fragbits", read_fragbits),
    plain("fragoffset", read_fragoffset),
    plain("ipopts", read_ipopts),
    plain("flags", read_tcp_flags),
    plain("tcp.flags", read_tcp_flags),
    plain("seq", read_seq),
    plain("tcp.seq", read_seq),
    plain("ack", read_ack),
    plain("tcp.ack", read_ack),
    plain("window", read_window),
    plain("tcp.window", read_window),
    plain("tcp.mss", read_tcp_mss),
    plain("tcp.wscale", read_tcp_wscale),
    plain("ipv4-csum", read_ipv4_csum),
    plain("tcpv4-csum", read_tcpv4_csum),
    plain("tcpv6-csum", read_tcpv6_csum),
    plain("itype", read_itype),
    plain("icode", read_icode),
    quoted("icmp_id", read_icmp_id),
    quoted("icmp_seq", read_icmp_seq),
    plain("stream-event", read_stream_event),

    plain("flow", read_flow),
    plain("flowbits", read_flowbits),
    plain("flowint", read_flowint),
    plain("xbits", read_xbits),
    plain("hostbits", read_hostbits),
    plain("stream_size", read_stream_size),
    plain("flow.age", read_flow_age),
    plain("flow.pkts", read_flow_pkts),
    plain("flow.pkts_toserver", read_flow_pkts_to_server),
    plain("flow.pkts_toclient", read_flow_pkts_to_client),
    plain("flow.bytes", read_flow_bytes),
    plain("flow.bytes_toserver", read_flow_bytes_to_server),
    plain("flow.bytes_toclient", read_flow_bytes_to_client),
    {"app-layer-protocol", read_app_layer_protocol, Value::required, Quotes::optional, true},

    plain("threshold", read_threshold),
    plain("detection_filter", read_detection_filter),
};

using KeywordMap = std::unordered_map<std::string_view, Keyword>;

const KeywordMap& all() {
  static const KeywordMap map = [] {
    KeywordMap built;
    for (const Keyword& keyword : kBuilt) built.emplace(keyword.name, keyword);
    for (const std::string_view name : kUnbuiltKeywords) built.emplace(name, Keyword{name});
    return built;
  }();
  return map;
}

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

constexpr std::size_t kLongestName = 48;

// `name` in lower case in a buffer of the caller; empty if it is longer than any name in the tables.
std::string_view lowered(std::string_view name, std::array<char, kLongestName>& buffer) {
  if (name.size() > buffer.size()) return {};
  std::transform(name.begin(), name.end(), buffer.begin(), lower);
  return {buffer.data(), name.size()};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::size_t, kLongestName + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

const Keyword* find_keyword(std::string_view name) {
  std::array<char, kLongestName> buffer;
  const auto it = all().find(lowered(name, buffer));
  return it == all().end() ? nullptr : &it->second;
}

std::span<const Keyword> built_keywords() {
  return kBuilt;
}
std::span<const std::string_view> unbuilt_keywords() {
  return kUnbuiltKeywords;
}

std::string_view nearest_keyword(std::string_view name) {
  std::array<char, kLongestName> buffer;
  const std::string_view wanted = lowered(name, buffer);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 4) + 1;
  const auto consider = [&](std::string_view candidate) {
    if (candidate.size() > kLongestName || wanted.empty()) return;
    const std::size_t distance = edit_distance(wanted, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  };
  for (const Keyword& keyword : kBuilt) consider(keyword.name);
  for (const std::string_view candidate : kUnbuiltKeywords) consider(candidate);
  return best;
}

bool is_application_buffer(std::string_view name) {
  constexpr std::string_view families[] = {"http.", "http_",     "tls.",      "tls_", "dns.", "ssh.",
                                           "smb.",  "file.data", "file_data", "ja3",  "ja4"};
  constexpr std::string_view not_buffers[] = {
      "tls.version",        "tls_cert_expired", "tls_cert_valid", "tls_cert_notbefore", "tls_cert_notafter",
      "tls.store",          "tls_store",        "tls.subject",    "tls.issuerdn",       "tls.fingerprint",
      "tls.cert_chain_len", "dns.opcode",       "dns.rcode",      "dns.rrtype",         "smb.version"};
  if (std::find(std::begin(not_buffers), std::end(not_buffers), name) != std::end(not_buffers)) return false;
  return std::any_of(std::begin(families), std::end(families),
                     [&](std::string_view family) { return name.substr(0, family.size()) == family; });
}

bool is_stream_event(std::string_view name) {
  return listed(kStreamEvents, name);
}

bool is_application_protocol(std::string_view name) {
  std::array<char, kLongestName> buffer;
  return listed(kApplicationProtocols, lowered(name, buffer));
}

}  // namespace lockstep::signatures
