// lockstep replay: captures in, the same pipeline as inline, what would have left out.
#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/cli/commands.hpp"
#include "engine/cli/first_generation.hpp"
#include "engine/cli/progress.hpp"
#include "engine/cli/scheduled_reloads.hpp"
#include "engine/cli/summary.hpp"
#include "engine/cli/terminal.hpp"
#include "engine/inspector.hpp"
#include "engine/pipeline_config.hpp"
#include "engine/ports/capture_port.hpp"
#include "engine/reporter.hpp"
#include "engine/transcript.hpp"

namespace lockstep {
namespace {

struct Rules {
  std::shared_ptr<const RuleGeneration> generation;  // null: none are loaded, nor will be
  ScheduledReloads reloads;

  // Of all sets, those that alerted.
  [[nodiscard]] std::vector<signatures::Rule> fired(const Counters& counters) const {
    std::vector<signatures::Rule> rules;
    auto sets = reloads.generations();
    if (generation) sets.push_back(generation);
    for (const auto& generation_of_some_time : sets) {
      const signatures::RuleSet& set = *generation_of_some_time->set;
      for (std::uint32_t i = 0; i < set.size(); ++i) {
        const auto& id = set.rule(i).id;
        if (counters.alerts().contains({id.gid, id.sid})) rules.push_back(set.rule(i));
      }
    }
    return rules;
  }
};

tl::expected<Rules, int> prepare_rules(const Settings& settings, const std::vector<std::string>& reloads) {
  const auto failed = [](const std::vector<std::string>& errors) {
    for (const std::string& error : errors) complain(error);
    return tl::unexpected<int>(exit_bad_input);
  };
  Rules rules;
  if (settings.rules.files.empty() && reloads.empty()) {
    fmt::print("{}\n", no_rules);
    return rules;
  }
  auto generation = first_generation(settings);
  if (!generation) return failed(generation.error());
  rules.generation = std::move(*generation);
  auto scheduled = ScheduledReloads::prepare(settings, reloads, *rules.generation);
  if (!scheduled) return failed(scheduled.error());
  rules.reloads = std::move(*scheduled);
  return rules;
}

// Feeds the port's frames through the pipeline. False: the input could not be read to its end.
bool run(CapturePort& port, Pipeline& pipeline, ScheduledReloads& reloads, Reporter& reporter) {
  std::array<Frame, 64> batch;
  Progress progress(stderr, port.reader().total_bytes());
  Timestamp last{};
  bool whole = true;
  for (;;) {
    const auto count = port.receive(batch);
    if (!count) {
      progress.clear();
      complain(count.error());
      whole = false;
      break;
    }
    if (*count == 0) break;
    for (Frame& frame : std::span(batch).first(*count)) {
      reporter.arrived(frame);
      if (auto rules = reloads.due(frame.time)) {
        pipeline.advance(frame.time);
        if (const auto taken = pipeline.adopt(std::move(rules)); !taken) complain(taken.error());
      }
      pipeline.process(frame);
    }
    pipeline.sweep(batch.size());
    last = batch[*count - 1].time;
    progress.update(port.reader().bytes_read());
  }
  progress.clear();
  pipeline.finish();
  reporter.finish(last);
  for (const std::string& warning : port.reader().take_warnings()) complain(warning);
  return whole;
}

tl::expected<CapturePort, std::string> open_port(const ReplayOptions& options) {
  auto reader = CaptureReader::open(options.inputs);
  if (!reader) return tl::unexpected(reader.error());
  std::optional<CaptureWriter> writer;
  if (!options.write_passed.empty()) {
    const auto links = reader->link_types();
    if (!links) return tl::unexpected(links.error());
    auto created = CaptureWriter::create(options.write_passed, *links);
    if (!created) return tl::unexpected(created.error());
    writer = std::move(*created);
  }
  return CapturePort(std::move(*reader), std::move(writer));
}

}  // namespace

int run_replay(const Configuration& configuration) {
  const Settings& settings = configuration.invocation.settings;
  const ReplayOptions& options = configuration.invocation.replay;
  if (options.inputs.empty()) {
    fmt::print(stderr, "lockstep: replay needs a capture to read\nTry 'lockstep help replay'.\n");
    return exit_usage;
  }
  auto rules = prepare_rules(settings, options.reloads);
  if (!rules) return rules.error();
  auto port = open_port(options);
  if (!port) {
    complain(port.error());
    return exit_bad_input;
  }
  auto log = EventLog::open(settings.outputs);
  if (!log) {
    complain(log.error());
    return exit_bad_input;
  }
  Transcript transcript([](std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); });
  Reporter reporter({settings.mode == Mode::enforce, settings.outputs.stats_interval, rules->generation.get(),
                     settings.outputs.eve.payload},
                    *log, options.explain ? &transcript : nullptr);
  HostTable hosts({}, replay_hash_seed);
  std::optional<Inspector> inspector;
  if (rules->generation) {
    auto made = make_inspector(settings, rules->generation, hosts);
    if (!made) {
      complain(made.error());
      return exit_bad_input;
    }
    inspector.emplace(std::move(*made));
  }
  auto config = make_pipeline_config(settings, inspector ? inspector->window() : 0);
  if (!config) {
    complain(config.error());
    return exit_bad_input;
  }
  const auto start = std::chrono::steady_clock::now();
  config->session.captured_hosts = true;
  Pipeline pipeline(*config, inspector ? &*inspector : nullptr, reporter, *port);
  reporter.watch(pipeline);
  bool good = run(*port, pipeline, rules->reloads, reporter);
  if (port->writer()) {
    if (const auto closed = port->writer()->close(); !closed) {
      complain(closed.error());
      good = false;
    }
  }
  good = log->finish() && good;
  if (inspector) {
    reporter.counters().detect.recursion_limit = inspector->counters().recursion_limit;
    reporter.counters().detect.pcre_limit = inspector->counters().pcre_limit;
  }
  Summary summary{reporter.counters()};
  const std::vector<signatures::Rule> fired = rules->fired(reporter.counters());
  summary.rules = fired;
  if (is_terminal(stdout)) summary.taken = std::chrono::steady_clock::now() - start;
  fmt::print("{}", to_string(summary, use_colours(stdout)));
  return good && reporter.counters().imbalances().empty() ? exit_ok : exit_bad_input;
}

}  // namespace lockstep
