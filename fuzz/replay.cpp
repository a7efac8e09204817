// A whole replay of an arbitrary capture file: reader, pipeline, rules of every kind that looks at streams,
// counters. Every frame that is read is finished and told once, and the sums hold.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "engine/compile_rules.hpp"
#include "engine/inspector.hpp"
#include "engine/output/event_log.hpp"
#include "engine/pipeline.hpp"
#include "engine/ports/capture_reader.hpp"
#include "engine/reporter.hpp"
#include "signatures/parser.hpp"

using namespace lockstep;

namespace {

void must(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "broken promise in line %d\n", line);
  std::abort();
}

constexpr std::string_view rule_text = R"(
drop tcp any any -> any any (msg:"drop"; flow:established,to_server; content:"EVIL-PAYLOAD"; sid:1;)
alert tcp any any -> any any (msg:"near"; content:"GET "; content:"HTTP/1."; distance:1; within:60; sid:2;)
alert tcp any any -> any any (msg:"not"; content:"HTTP"; nocase; content:!"Host"; sid:3;)
alert tcp any any -> any any (msg:"pcre"; content:"GET"; pcre:"/GET \/[a-z]+\?(.)\1/R"; sid:4;)
alert tcp any any -> any any (msg:"byte"; content:"|00|"; byte_test:2,>,5,1,relative; isdataat:2,relative; sid:5;)
reject tcp any any -> any any (msg:"bit"; content:"STAGE-TWO"; flowbits:isset,one; sid:6;)
alert tcp any any -> any any (msg:"set"; content:"STAGE-ONE"; flowbits:set,one; sid:7;)
pass tcp any any -> any any (msg:"pass"; content:"TRUSTED"; startswith; sid:8;)
alert tcp any any -> any any (msg:"head"; flags:S,12; ttl:>10; window:!0; sid:9;)
alert tcp any any -> any any (msg:"size"; dsize:>700; threshold:type limit,track by_src,count 1,seconds 60; sid:10;)
)";

std::shared_ptr<const RuleGeneration> make_rules() {
  signatures::RuleParser parser{signatures::ParserSettings{}};
  parser.parse("fuzz.rules", rule_text);
  LoadedRules loaded{std::move(parser).finish(), {}};
  must(loaded.parsed.report.loaded == 10);
  auto compiled = compile_rules(std::move(loaded), Settings{}, 1);
  must(compiled.has_value());
  return *compiled;
}

// A file in memory that has a name.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("capture", 0)) {
    must(descriptor_ >= 0 && write(descriptor_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

class Watcher final : public Observer, public PacketPort {
 public:
  tl::expected<std::size_t, std::string> receive(std::span<Frame>) override { return 0; }
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override {
    ++finished;
    must(leaving.size() <= frame.bytes.size());
  }
  void send(const Departure& departure) override { must(!departure.bytes.empty()); }
  void on_packet(const Packet& packet) override {
    if (!packet.datagram) ++told;
  }

  std::uint64_t finished = 0;
  std::uint64_t told = 0;
};

PipelineConfig small_config(std::uint32_t history) {
  PipelineConfig config;
  config.blocks = 64;
  config.islands = 64;
  config.flows.flows = 8;
  config.half_open.connections = 8;
  config.fragments = {.bytes = 1U << 17U, .datagrams = 8, .pieces = 16};
  config.session.max_islands = 16;
  config.session.max_bytes_ahead = 1U << 15U;
  config.session.captured_hosts = true;
  config.session.history = history;
  return config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto rules = make_rules();
  const MemoryFile file(data, size);
  auto reader = CaptureReader::open({file.path()});
  if (!reader) return 0;
  auto log = EventLog::open({});
  must(log.has_value());
  HostTable hosts({.rates = 64, .bits = 64, .port_sets = 4}, replay_hash_seed);
  auto inspector = Inspector::make(rules, hosts, {});
  must(inspector.has_value());
  Watcher watcher;
  Reporter reporter({}, *log, &watcher);
  Pipeline pipeline(small_config(inspector->window()), &*inspector, reporter, watcher);
  std::array<Frame, 16> batch;
  std::uint64_t read = 0;
  while (const auto count = reader->receive(batch)) {
    if (*count == 0) break;
    for (Frame& frame : std::span(batch).first(*count)) {
      reporter.arrived(frame);
      pipeline.process(frame);
      must(watcher.finished == ++read);
    }
  }
  pipeline.finish();
  reporter.finish({});
  must(watcher.told == read);
  must(reporter.counters().imbalances().empty());
  must(pipeline.bytes().has_blocks(64, true));
  return 0;
}
