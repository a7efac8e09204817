// What matching costs beside bare Hyperscan on the same bytes and the same database: MB/s of the scanner, of
// hs_scan_stream alone, and their quotient, with 1,000 rules. Rules: made up (words and random bytes, as many
// tools generate), and the raw TCP rules of Emerging Threats where LOCKSTEP_SHARED (default ../shared) has
// them: their fast patterns alone, and the whole rules for every port, so that rules for FTP judge HTTP too.
// LOCKSTEP_PAYLOAD names a file of payload to scan in place of HTTP-like text made here, LOCKSTEP_RULES one
// of 1,000 rules to scan it for besides.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <hs/hs.h>

#include "bench/made_up.hpp"
#include "signatures/parser.hpp"
#include "signatures/rule_set_parts.hpp"
#include "signatures/scratch_parts.hpp"
#include "signatures/stream_scanner.hpp"

using namespace lockstep;
using namespace lockstep::signatures;

namespace {

constexpr std::size_t segment = 1448;
constexpr std::size_t stream_length = 1024 * 1024;
constexpr std::size_t rule_count = 1000;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string& payload() {
  static const std::string bytes = [] {
    const char* file = std::getenv("LOCKSTEP_PAYLOAD");
    std::string read = file != nullptr ? read_file(file) : bench::made_up_payload(8 * stream_length);
    read.resize(std::min<std::size_t>(read.size(), 64 * stream_length));
    return read;
  }();
  return bytes;
}

std::string etopen_rules() {
  const char* shared = std::getenv("LOCKSTEP_SHARED");
  const std::filesystem::path folder =
      std::filesystem::path(shared != nullptr ? shared : "../shared") / "corpora/rules/etopen";
  std::string text;
  if (!std::filesystem::is_directory(folder)) return text;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".rules") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) text += read_file(file);
  return text;
}

struct Loaded {
  std::shared_ptr<const RuleSet> set;
  const RuleGroup* group = nullptr;
  PacketFields packet;
};

enum class Part : std::uint8_t { fast_patterns, whole_rules };

// What a rule is found by: the content that its author chose, or the longest. Null: none of four bytes.
const Content* fast_pattern(const Rule& rule) {
  const Content* best = nullptr;
  for (const PayloadOption& option : rule.payload) {
    const auto* content = std::get_if<Content>(&option);
    if (content == nullptr || content->negated || content->pattern.size() < 4) continue;
    if (content->fast_pattern != FastPattern::automatic) return content;
    if (best == nullptr || content->pattern.size() > best->pattern.size()) best = content;
  }
  return best;
}

// The first thousand rules that look for a literal in the stream; headers opened, so that each is in play.
Loaded load(const std::string& text, Part part) {
  RuleParser parser(ParserSettings{});
  parser.parse("bench", text);
  ParsedRules parsed = std::move(parser).finish();
  std::vector<Rule> rules;
  for (Rule& rule : parsed.rules) {
    const Content* literal = fast_pattern(rule);
    const bool in_stream =
        rule.inspection == Inspection::stream || rule.inspection == Inspection::packet_and_stream;
    if (!in_stream || literal == nullptr || rules.size() == rule_count) continue;
    if (part == Part::fast_patterns) {
      Content alone;
      alone.pattern = literal->pattern;
      alone.nocase = literal->nocase;
      Rule plain;
      plain.id = rule.id;
      plain.payload = {alone};
      rule = plain;
    }
    rule.source = rule.destination = AddressSet::any();
    rule.source_ports = rule.destination_ports = PortSet::any();
    rule.flow.side = FlowOption::Side::any;
    rules.push_back(std::move(rule));
  }
  Loaded loaded;
  if (rules.size() < rule_count) return loaded;
  loaded.set = RuleSet::compile(std::move(rules), parsed.names, {}).value();
  loaded.packet.has_flow = loaded.packet.established = loaded.packet.in_stream = true;
  loaded.group =
      loaded.set->rules_for({loaded.packet.source, loaded.packet.destination, 40000, 80, 6}).to_server;
  return loaded;
}

class Before final : public StreamHistory {
 public:
  explicit Before(const char* stream) : stream_(stream) {}
  [[nodiscard]] std::uint64_t begin() const override { return 0; }
  void copy(std::uint64_t from, std::span<std::uint8_t> to) const override {
    std::copy_n(stream_ + from, to.size(), to.begin());
  }

 private:
  const char* stream_;
};

// Calls `take(stream, offset, length, last)` for every segment of the payload, each MiB a stream of its own.
template <typename Take>
void in_segments(Take take) {
  const std::string& bytes = payload();
  for (std::size_t start = 0; start < bytes.size(); start += stream_length) {
    const std::size_t length = std::min(stream_length, bytes.size() - start);
    for (std::size_t offset = 0; offset < length; offset += segment)
      take(bytes.data() + start, offset, std::min(segment, length - offset));
  }
}

int count(unsigned, unsigned long long, unsigned long long, unsigned, void* hits) {
  ++*static_cast<std::uint64_t*>(hits);
  return 0;
}

void bare(const Loaded& loaded, Scratch& scratch, std::uint64_t& hits) {
  std::array<hs_stream_t*, RuleGroup::stream_sets> streams{};
  const auto close = [&] {
    for (auto*& stream : streams) {
      if (stream != nullptr) hs_close_stream(stream, nullptr, nullptr, nullptr);
      stream = nullptr;
    }
  };
  in_segments([&](const char* stream, std::size_t offset, std::size_t length) {
    if (offset == 0) close();
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (loaded.group->stream[i].empty()) continue;
      if (offset == 0) hs_open_stream(loaded.group->stream[i].database->get(), 0, &streams[i]);
      hs_scan_stream(streams[i], stream + offset, static_cast<unsigned>(length), 0, scratch.parts().hyperscan,
                     count, &hits);
    }
  });
  close();
}

void scanned(const Loaded& loaded, Scratch& scratch, std::vector<Match>& matches) {
  StreamScanner scanner;
  FlowState flow;
  const MatchContext context{loaded.packet, flow};
  in_segments([&](const char* stream, std::size_t offset, std::size_t length) {
    if (offset == 0) {
      scanner = StreamScanner(*loaded.set, loaded.group);
      flow = FlowState();
    }
    matches.clear();
    scanner.scan({Direction::to_server,
                  offset,
                  {reinterpret_cast<const std::uint8_t*>(stream) + offset, length},
                  false},
                 Before(stream), context, scratch, matches);
  });
}

// Both in turn within each round, so that a neighbour's noise falls on both.
void beside_bare(benchmark::State& state, const std::string& rules, Part part) {
  const Loaded loaded = load(rules, part);
  if (loaded.set == nullptr) return state.SkipWithError("SKIPPED: fewer than 1,000 rules of this kind");
  Scratch scratch = Scratch::make(*loaded.set).value();
  std::vector<Match> matches;
  matches.reserve(StreamScanner::max_matches);
  std::uint64_t hits = 0;
  double bare_seconds = 0;
  double our_seconds = 0;
  const auto timed = [](auto&& work, double& sum) {
    const auto before = std::chrono::steady_clock::now();
    work();
    sum += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  };
  for ([[maybe_unused]] auto _ : state) {
    timed([&] { bare(loaded, scratch, hits); }, bare_seconds);
    timed([&] { scanned(loaded, scratch, matches); }, our_seconds);
  }
  const double megabytes =
      static_cast<double>(payload().size()) * static_cast<double>(state.iterations()) / 1e6;
  state.counters["bare_MB/s"] = megabytes / bare_seconds;
  state.counters["scanner_MB/s"] = megabytes / our_seconds;
  state.counters["share_of_bare"] = bare_seconds / our_seconds;
  const double segments =
      static_cast<double>(payload().size()) / segment * static_cast<double>(state.iterations());
  state.counters["hits/segment"] = static_cast<double>(hits) / segments;
  state.counters["evaluations/segment"] = static_cast<double>(scratch.counters().evaluations) / segments;
  state.counters["matches/segment"] = static_cast<double>(scratch.counters().matches) / segments;
}

void made_up(benchmark::State& state) {
  beside_bare(state, bench::text_of(bench::made_up_rules(rule_count)), Part::whole_rules);
}
void given(benchmark::State& state) {
  const char* file = std::getenv("LOCKSTEP_RULES");
  beside_bare(state, file != nullptr ? read_file(file) : "", Part::whole_rules);
}
void etopen_fast_patterns(benchmark::State& state) {
  beside_bare(state, etopen_rules(), Part::fast_patterns);
}
void etopen_whole_rules(benchmark::State& state) {
  beside_bare(state, etopen_rules(), Part::whole_rules);
}

BENCHMARK(given)->Unit(benchmark::kMillisecond);
BENCHMARK(made_up)->Unit(benchmark::kMillisecond);
BENCHMARK(etopen_fast_patterns)->Unit(benchmark::kMillisecond);
BENCHMARK(etopen_whole_rules)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
