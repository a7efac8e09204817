#include "signatures/rule_config.hpp"

#include <algorithm>

namespace lockstep::signatures {
namespace {

struct DefaultClass {
  std::string_view name, description;
  std::uint8_t priority;
};

// Names, descriptions and priorities as in Suricata's etc/classification.config.
constexpr DefaultClass kClasses[] = {
    {"not-suspicious", "Not Suspicious Traffic", 3},
    {"unknown", "Unknown Traffic", 3},
    {"bad-unknown", "Potentially Bad Traffic", 2},
    {"attempted-recon", "Attempted Information Leak", 2},
    {"successful-recon-limited", "Information Leak", 2},
    {"successful-recon-largescale", "Large Scale Information Leak", 2},
    {"attempted-dos", "Attempted Denial of Service", 2},
    {"successful-dos", "Denial of Service", 2},
    {"attempted-user", "Attempted User Privilege Gain", 1},
    {"unsuccessful-user", "Unsuccessful User Privilege Gain", 1},
    {"successful-user", "Successful User Privilege Gain", 1},
    {"attempted-admin", "Attempted Administrator Privilege Gain", 1},
    {"successful-admin", "Successful Administrator Privilege Gain", 1},
    {"rpc-portmap-decode", "Decode of an RPC Query", 2},
    {"shellcode-detect", "Executable code was detected", 1},
    {"string-detect", "A suspicious string was detected", 3},
    {"suspicious-filename-detect", "A suspicious filename was detected", 2},
    {"suspicious-login", "An attempted login using a suspicious username was detected", 2},
    {"system-call-detect", "A system call was detected", 2},
    {"tcp-connection", "A TCP connection was detected", 4},
    {"trojan-activity", "A Network Trojan was detected", 1},
    {"unusual-client-port-connection", "A client was using an unusual port", 2},
    {"network-scan", "Detection of a Network Scan", 3},
    {"denial-of-service", "Detection of a Denial of Service Attack", 2},
    {"non-standard-protocol", "Detection of a non-standard protocol or event", 2},
    {"protocol-command-decode", "Generic Protocol Command Decode", 3},
    {"web-application-activity", "access to a potentially vulnerable web application", 2},
    {"web-application-attack", "Web Application Attack", 1},
    {"misc-activity", "Misc activity", 3},
    {"misc-attack", "Misc Attack", 2},
    {"icmp-event", "Generic ICMP event", 3},
    {"inappropriate-content", "Inappropriate Content was Detected", 1},
    {"policy-violation", "Potential Corporate Privacy Violation", 1},
    {"default-login-attempt", "Attempt to login by a default username and password", 2},
    {"targeted-activity", "Targeted Malicious Activity was Detected", 1},
    {"exploit-kit", "Exploit Kit Activity Detected", 1},
    {"external-ip-check", "Device Retrieving External IP Address Detected", 2},
    {"domain-c2", "Domain Observed Used for C2 Detected", 1},
    {"pup-activity", "Possibly Unwanted Program Detected", 2},
    {"credential-theft", "Successful Credential Theft Detected", 1},
    {"social-engineering", "Possible Social Engineering Attempted", 2},
    {"coin-mining", "Crypto Currency Mining Activity Detected", 2},
    {"command-and-control", "Malware Command and Control Activity Detected", 1},
};

// As in Suricata's etc/reference.config.
constexpr std::pair<std::string_view, std::string_view> kReferences[] = {
    {"cve", "https://cve.mitre.org/cgi-bin/cvename.cgi?name="},
    {"nessus", "https://www.tenable.com/plugins/nessus/"},
    {"url", "https://"},
    {"mcafee", "https://vil.nai.com/vil/content/v_"},
    {"bid", "https://www.securityfocus.com/bid/"},
    {"bugtraq", "https://www.securityfocus.com/bid/"},
    {"md5", "https://www.threatexpert.com/report.aspx?md5="},
    {"secunia", "https://www.secunia.com/advisories/"},
    {"arachnids", "https://www.whitehats.com/info/IDS"},
    {"exploitdb", "https://www.exploit-db.com/exploits/"},
    {"msft", "https://technet.microsoft.com/security/bulletin/"},
    {"et", "https://doc.emergingthreats.net/"},
    {"etpro", "https://doc.emergingthreatspro.com/"},
    {"telus", "https://"},
    {"xforce", "http://xforce.iss.net/xforce/xfdb/"},
    {"osvdb", "http://osvdb.org/show/osvdb/"},
    {"threatexpert", "http://www.threatexpert.com/report.aspx?md5="},
    {"openpacket", "https://www.openpacket.org/capture/grab/"},
    {"securitytracker", "http://securitytracker.com/id?"},
};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_';
  });
}

// What stands behind `config NAME:`.
tl::expected<std::string_view, SyntaxError> setting(std::string_view line, std::string_view name) {
  const auto [config, rest] = word_and_rest(line);
  std::string_view value = rest;
  const bool named = config == "config" && take(value, name);
  value = trimmed(value);
  if (named && take(value, ":")) return trimmed(value);
  return refused(config, "a line here begins with `config " + std::string(name) + ":`");
}

template <typename AddLine>
std::vector<Diagnostic> each_line(std::string_view text, AddLine add_line) {
  std::vector<Diagnostic> problems;
  LineReader reader(text);
  for (LogicalLine line; reader.next(line);) {
    if (Parsed added = add_line(line.text); !added) {
      problems.push_back(diagnose(0, reader.place_of(added.error().where), added.error()));
    }
  }
  return problems;
}

}  // namespace

Classification Classification::defaults() {
  Classification table;
  for (const DefaultClass& row : kClasses) {
    table.classes_[std::string(row.name)] = {std::string(row.description), row.priority};
  }
  return table;
}

std::vector<Diagnostic> Classification::add(std::string_view text) {
  return each_line(text, [this](std::string_view line) -> Parsed {
    const auto value = setting(line, "classification");
    if (!value) return tl::unexpected(value.error());
    const std::size_t first = value->find(',');
    const std::size_t last = value->rfind(',');
    if (first == last) return refused(*value, "a classification is `shortname,description,priority`");
    const std::string_view name = trimmed(value->substr(0, first));
    const std::string_view description = trimmed(value->substr(first + 1, last - first - 1));
    const std::string_view priority_text = trimmed(value->substr(last + 1));
    const auto priority = number<std::uint8_t>(priority_text);
    if (!is_name(name)) return refused(name, "`" + std::string(name) + "` is not a short name");
    if (!priority || *priority == 0) return refused(priority_text, "a priority is a number from 1 to 255");
    classes_[lowered(name)] = {std::string(description), *priority};
    return {};
  });
}

const Classification::Class* Classification::find(std::string_view name) const {
  const auto it = classes_.find(lowered(name));
  return it == classes_.end() ? nullptr : &it->second;
}

References References::defaults() {
  References table;
  for (const auto& [type, prefix] : kReferences) table.prefixes_[std::string(type)] = prefix;
  return table;
}

std::vector<Diagnostic> References::add(std::string_view text) {
  return each_line(text, [this](std::string_view line) -> Parsed {
    const auto value = setting(line, "reference");
    if (!value) return tl::unexpected(value.error());
    const auto [type, prefix] = word_and_rest(*value);
    if (!is_name(type)) return refused(type, "`" + std::string(type) + "` is not a name of references");
    if (prefix.empty()) return refused(*value, "a reference type needs the prefix of its addresses");
    prefixes_[lowered(type)] = prefix;
    return {};
  });
}

const std::string* References::find(std::string_view type) const {
  const auto it = prefixes_.find(lowered(type));
  return it == prefixes_.end() ? nullptr : &it->second;
}

}  // namespace lockstep::signatures
