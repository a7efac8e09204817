#include "tests/evasions/row.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>

namespace lockstep::evasions {
namespace {

using oracle::From;
using oracle::Scenario;
using oracle::Step;

struct Malformed {
  std::string what;
};

// Split at spaces, but not within quotes.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::int64_t number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const bool hex = text.substr(0, 2) == "0x";
  if (hex) text.remove_prefix(2);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != text.end()) throw Malformed{"no number: " + std::string(text)};
  return value;
}

test::Bytes bytes_of(std::string_view hex) {
  test::Bytes out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    out.push_back(static_cast<std::uint8_t>(number("0x" + std::string(hex.substr(at, 2)))));
  }
  return out;
}

std::vector<std::size_t> list_of(std::string_view text) {
  std::vector<std::size_t> out;
  std::stringstream in{std::string(text)};
  for (std::string item; std::getline(in, item, ',');) out.push_back(static_cast<std::size_t>(number(item)));
  return out;
}

int flags_of(std::string_view text) {
  if (text == "0") return 0;
  static constexpr std::string_view letters = "FSRPAUEC";
  int flags = 0;
  for (const char c : text) {
    const auto bit = letters.find(c);
    if (bit == std::string_view::npos) throw Malformed{"no flag: " + std::string(text)};
    flags |= 1 << bit;
  }
  return flags;
}

// Without the quotes; `\xNN` is a byte.
std::string text_of(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"')
    throw Malformed{"no text: " + std::string(quoted)};
  quoted = quoted.substr(1, quoted.size() - 2);
  std::string out;
  for (std::size_t at = 0; at < quoted.size(); ++at) {
    if (quoted.substr(at, 2) != "\\x") {
      out += quoted[at];
      continue;
    }
    out += static_cast<char>(number("0x" + std::string(quoted.substr(at + 2, 2))));
    at += 3;
  }
  return out;
}

// What may follow the flags. `rest` is what stands behind the word's name.
using Meaning = void (*)(Step& step, std::string_view rest);

void place(Step& step, From from, std::string_view rest) {
  step.from = from;
  step.seq = rest.empty() ? 0 : number(rest);
}

const std::vector<std::pair<std::string_view, Meaning>>& meanings() {
  static const std::vector<std::pair<std::string_view, Meaning>> all{
      {"@", [](Step& s, std::string_view r) { place(s, From::start, r); }},
      {"isn", [](Step& s, std::string_view r) { place(s, From::isn, r); }},
      {"edge", [](Step& s, std::string_view r) { place(s, From::edge, r); }},
      {"sack", [](Step& s, std::string_view r) { place(s, From::sack, r); }},
      {"acked", [](Step& s, std::string_view r) { place(s, From::acked, r); }},
      {"ack=",
       [](Step& s, std::string_view r) {
         s.acks = oracle::Acks::isn;  // counted from the host's SYN
         s.ack = number(r);
       }},
      {"ack", [](Step& s, std::string_view r) { s.ack = number(r); }},
      {"tsval", [](Step& s, std::string_view r) { s.value_delta = static_cast<std::int32_t>(number(r)); }},
      {"tsecr", [](Step& s, std::string_view r) { s.echo_delta = static_cast<std::int32_t>(number(r)); }},
      {"no-timestamps", [](Step& s, std::string_view) { s.timestamps = false; }},
      {"win=", [](Step& s, std::string_view r) { s.window = static_cast<std::uint16_t>(number(r)); }},
      {"urg=", [](Step& s, std::string_view r) { s.urgent = static_cast<std::uint16_t>(number(r)); }},
      {"md5",
       [](Step& s, std::string_view) {
         s.options = {19, 18};
         s.options.resize(18, 0xaa);
       }},
      {"ao",
       [](Step& s, std::string_view) {
         s.options = {29, 16, 1, 1};
         s.options.resize(16, 0xbb);
       }},
      {"opt=", [](Step& s, std::string_view r) { s.options = bytes_of(r); }},
      {"reserved", [](Step& s, std::string_view) { s.reserved = 7; }},
      {"bad-checksum", [](Step& s, std::string_view) { s.bad_checksum = true; }},
      {"bad-ip-checksum", [](Step& s, std::string_view) { s.bad_ip_checksum = true; }},
      {"doff", [](Step& s, std::string_view r) { s.data_offset = static_cast<std::int8_t>(number(r)); }},
      {"ip-length", [](Step& s, std::string_view r) { s.ip_length = static_cast<std::int16_t>(number(r)); }},
      {"ip-opt=", [](Step& s, std::string_view r) { s.ip_options = bytes_of(r); }},
      {"tos=", [](Step& s, std::string_view r) { s.tos = static_cast<std::uint8_t>(number(r)); }},
      {"trailer=", [](Step& s, std::string_view r) { s.trailer = text_of(r); }},
      {"ttl=", [](Step& s, std::string_view r) { s.ttl = static_cast<std::uint8_t>(number(r)); }},
      {"fragments=", [](Step& s, std::string_view r) { s.fragments = list_of(r); }},
      {"reversed", [](Step& s, std::string_view) { s.pieces = Step::Pieces::reversed; }},
      {"twice", [](Step& s, std::string_view) { s.pieces = Step::Pieces::twice; }},
      {"overlapping", [](Step& s, std::string_view) { s.pieces = Step::Pieces::overlapping; }},
      {"first-missing", [](Step& s, std::string_view) { s.pieces = Step::Pieces::first_missing; }},
      {"lost", [](Step& s, std::string_view) { s.lost = true; }},                   // behind the engine
      {"answer-unseen", [](Step& s, std::string_view) { s.answers_lost = true; }},  // by the engine, too
      {"answer-lost", [](Step& s, std::string_view) { s.answers_lost_late = true; }},
      {"in-the-host's-name", [](Step& s, std::string_view) { s.as_host = true; }},
  };
  return all;
}

void add_word(Step& step, const std::string& word) {
  if (word.front() == '"') {
    step.payload = text_of(word);
    return;
  }
  if (word.size() > 2 && word[1] == '*') {
    step.payload.assign(static_cast<std::size_t>(number(word.substr(2))), word[0]);
    return;
  }
  for (const auto& [name, meaning] : meanings()) {
    if (word.compare(0, name.size(), name) != 0) continue;
    const std::string_view rest = std::string_view(word).substr(name.size());
    const bool wants_number = name.back() == '=' || name == "@" || name == "ack" || name == "tsval" ||
                              name == "tsecr" || name == "doff" || name == "ip-length";
    const bool places = name == "isn" || name == "edge" || name == "sack" || name == "acked";
    const bool signs = !rest.empty() && (rest.front() == '+' || rest.front() == '-');
    if (wants_number ? rest.empty() : !rest.empty() && !(places && signs)) continue;
    if (wants_number && name.back() != '=' && name != "@" && !signs) continue;
    return meaning(step, rest);
  }
  throw Malformed{"what is " + word + "?"};
}

Step packet(const std::vector<std::string>& words) {
  Step step;
  step.flags = flags_of(words.front());
  if ((step.flags & 2) != 0) step.from = From::isn;
  for (std::size_t i = 1; i < words.size(); ++i) add_word(step, words[i]);
  return step;
}

Step doing(Step::Kind kind, std::uint32_t size = 0) {
  Step step;
  step.kind = kind;
  step.size = size;
  return step;
}

// `count` bytes with a hole in front of each, then what fills the holes.
std::vector<Step> islands(std::size_t count) {
  std::vector<Step> steps;
  for (const bool filling : {false, true}) {
    for (std::size_t i = 0; i < count; ++i) {
      Step step = packet({"PA", filling ? "\"o\"" : "\"e\""});
      step.seq = static_cast<std::int64_t>(2 * i + (filling ? 0 : 1));
      steps.push_back(step);
    }
  }
  return steps;
}

// `count` kibibytes in order, which the application reads as they come.
std::vector<Step> bulk(std::size_t count) {
  std::vector<Step> steps;
  for (std::size_t i = 0; i < count; ++i) {
    Step step = packet({"PA", "x*1024"});
    step.seq = static_cast<std::int64_t>(1024 * i);
    steps.push_back(step);
    steps.push_back(doing(Step::Kind::reads));
  }
  return steps;
}

std::vector<Step> steps_of(const std::string& text, const Scenario& scenario) {
  const auto words = words_of(text);
  if (words.empty()) throw Malformed{"an empty step"};
  const std::string& first = words.front();
  const std::string second = words.size() > 1 ? words[1] : "0";
  static const std::map<std::string, Step::Kind> kinds{{"reads", Step::Kind::reads},
                                                       {"writes", Step::Kind::writes},
                                                       {"half-closes", Step::Kind::half_closes},
                                                       {"closes", Step::Kind::closes},
                                                       {"waits", Step::Kind::pauses},
                                                       {"sleeps", Step::Kind::sleeps},
                                                       {"connects", Step::Kind::connects},
                                                       {"keeps-urgent", Step::Kind::keeps_urgent}};
  if (first == "handshake") {
    if (scenario.host_connects) return {doing(Step::Kind::connects), packet({"SA"})};
    return {packet({"S"}), packet({"A"})};
  }
  if (first == "islands") return islands(static_cast<std::size_t>(number(second)));
  if (first == "bulk") return bulk(static_cast<std::size_t>(number(second)));
  if (first == "numbers") {  // the peer's next connection starts elsewhere
    Step step = doing(Step::Kind::reopens);
    step.seq = number(second);
    return {step};
  }
  if (const auto kind = kinds.find(first); kind != kinds.end())
    return {doing(kind->second, static_cast<std::uint32_t>(number(second)))};
  return {packet(words)};
}

void add_option(Case& to, const std::string& word) {
  Scenario& scenario = to.scenario;
  if (word == "mirrored") {
    scenario.host_connects = true;
    to.alone = true;
  } else if (word == "alone") {
    to.alone = true;
  } else if (word == "no-timestamps") {
    scenario.timestamps = false;
  } else if (word == "no-sack") {
    scenario.sack = false;
  } else if (word == "no-window-scale") {
    scenario.window_scale.reset();
  } else if (word.compare(0, 13, "window-scale=") == 0) {
    scenario.window_scale = static_cast<std::uint8_t>(number(word.substr(13)));
  } else if (word == "small-window") {
    scenario.service = oracle::Service::small_window;
  } else if (word == "fast-open-cookie") {
    scenario.service = oracle::Service::fast_open_cookie;
  } else if (word == "fast-open") {
    scenario.service = oracle::Service::fast_open;
  } else if (word == "IPv6") {
    scenario.ipv6 = true;
    to.alone = true;
  } else if (word.compare(0, 4, "isn=") == 0) {
    scenario.isn = static_cast<std::uint32_t>(number(word.substr(4)));
    to.alone = true;
  } else {
    throw Malformed{"no option: " + word};
  }
}

Case new_case(const std::string& text) {
  Case made;
  made.scenario.tight = false;
  const auto brace = text.find('{');
  made.title = trimmed(std::string_view(text).substr(0, brace));
  if (brace == std::string::npos) return made;
  const auto end = text.find('}', brace);
  if (end == std::string::npos) throw Malformed{"no closing brace"};
  made.title = trimmed(text);
  for (const std::string& word : words_of(std::string_view(text).substr(brace + 1, end - brace - 1)))
    add_option(made, word);
  return made;
}

}  // namespace

bool is_id(std::string_view word) {
  return word.size() == 3 && std::string_view("HRCDOUI").find(word[0]) != std::string_view::npos &&
         std::isdigit(static_cast<unsigned char>(word[1])) != 0 &&
         std::isdigit(static_cast<unsigned char>(word[2])) != 0;
}

namespace {

Line step_line(const std::string& text, const Scenario& scenario) {
  Line line;
  const auto first = text.find(" | ");
  line.text = trimmed(std::string_view(text).substr(0, first));
  line.steps = steps_of(line.text, scenario);
  if (first == std::string::npos) return line;
  const auto second = text.find(" | ", first + 3);
  line.answers = trimmed(std::string_view(text).substr(
      first + 3, second == std::string::npos ? std::string::npos : second - first - 3));
  if (second != std::string::npos) line.verdict = trimmed(std::string_view(text).substr(second + 3));
  return line;
}

void add_line(std::vector<Row>& rows, const std::string& text) {
  const auto space = text.find(' ');
  const std::string first = text.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : trimmed(text.substr(space));
  if (is_id(first)) {
    rows.push_back({first, rest, {}, {}});
    return;
  }
  if (rows.empty()) throw Malformed{"no row has begun"};
  Row& row = rows.back();
  if (first == "note") return row.notes.push_back(rest);
  if (first == "case") return row.cases.push_back(new_case(rest));
  if (row.cases.empty()) throw Malformed{"no case has begun"};
  Case& last = row.cases.back();
  if (first == "host") {
    last.host = rest;
  } else if (first == "lockstep") {
    last.lockstep = rest;
  } else if (first == "observed") {
    last.observed = rest;
  } else {
    last.lines.push_back(step_line(text, last.scenario));
  }
}

}  // namespace

tl::expected<std::vector<Row>, std::string> parse_rows(std::string_view text) {
  std::vector<Row> rows;
  std::stringstream in{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    try {
      add_line(rows, line);
    } catch (const Malformed& malformed) {
      return tl::unexpected(fmt::format("line {}: {}", number, malformed.what));
    }
  }
  return rows;
}

std::string print_rows(const std::vector<Row>& rows) {
  std::string out;
  for (const Row& row : rows) {
    out += fmt::format("{}{} {}\n", out.empty() ? "" : "\n", row.id, row.title);
    for (const std::string& note : row.notes) out += fmt::format("  note {}\n", note);
    for (const Case& one : row.cases) {
      out += fmt::format("  case {}\n", one.title);
      std::size_t left = 0;
      std::size_t middle = 0;
      for (const Line& line : one.lines) {
        left = std::max(left, line.text.size());
        middle = std::max(middle, line.answers.size());
      }
      for (const Line& line : one.lines) {
        out += fmt::format("    {:<{}} | {:<{}} | {}\n", line.text, left, line.answers, middle, line.verdict);
      }
      out += fmt::format("    host     {}\n    lockstep {}\n    observed {}\n", one.host, one.lockstep,
                         one.observed);
    }
  }
  return out;
}

oracle::Scenario scenario_of(const Case& of) {
  oracle::Scenario scenario = of.scenario;
  for (const Line& line : of.lines) {
    scenario.steps.insert(scenario.steps.end(), line.steps.begin(), line.steps.end());
  }
  return scenario;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> all{{'H', 35, "Handshake", "handshake.rows"},
                                        {'R', 23, "RST", "reset.rows"},
                                        {'C', 11, "FIN and close", "close.rows"},
                                        {'D', 29, "Acceptance of segments", "acceptance.rows"},
                                        {'O', 18, "Overlap, order, size", "overlap.rows"},
                                        {'U', 7, "Urgent data", "urgent.rows"},
                                        {'I', 10, "IP and below", "ip.rows"}};
  return all;
}

}  // namespace lockstep::evasions
