#include "engine/reload/reloader.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/compile_rules.hpp"
#include "engine/options/changes.hpp"
#include "engine/options/value.hpp"
#include "engine/reload/resident.hpp"
#include "signatures/shadow.hpp"

namespace lockstep {
namespace {

using Steady = std::chrono::steady_clock;
using What = ReloadRequest::What;

reassembly::Timestamp wall_clock() {
  return std::chrono::time_point_cast<reassembly::Duration>(std::chrono::system_clock::now());
}

std::size_t shadows_of(const RuleGeneration& rules) {
  return static_cast<std::size_t>(std::count_if(rules.policies.begin(), rules.policies.end(),
                                                [](const RulePolicy& policy) { return policy.shadow; }));
}

void append(std::vector<signatures::Rule>& to, std::vector<signatures::Rule>&& more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::string_view name(KnownGeneration::State state) {
  switch (state) {
    case KnownGeneration::State::running:
      return "running";
    case KnownGeneration::State::previous:
      return "previous";
    case KnownGeneration::State::leaving:
      break;
  }
  return "leaving";
}

Reloader::Reloader(Settings settings, std::shared_ptr<const RuleGeneration> rules, RuleBoard& board,
                   Hooks hooks, ReloadLimits limits)
    : board_(board),
      hooks_(std::move(hooks)),
      limits_(limits),
      settings_(std::move(settings)),
      current_{std::move(rules), wall_clock()},
      last_number_(current_.rules->number()),
      names_(current_.rules->set->names()),
      thread_([this] { run(); }) {}

Reloader::~Reloader() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    ++turn_;
  }
  wake_.notify_all();
  thread_.join();
}

std::future<ReloadReport> Reloader::submit(ReloadRequest request) {
  const std::scoped_lock lock(mutex_);
  Job job{std::move(request), {}};
  std::future<ReloadReport> answer = job.answer.get_future();
  if (ending_) {
    ReloadReport report;
    report.errors.emplace_back("the engine is shutting down");
    job.answer.set_value(std::move(report));
    return answer;
  }
  jobs_.push_back(std::move(job));
  wake_.notify_all();
  return answer;
}

tl::expected<std::uint64_t, std::string> Reloader::rollback() {
  const std::scoped_lock lock(mutex_);
  if (!previous_.rules) return tl::unexpected(std::string("there is no set before the one in force"));
  ++turn_;
  if (auto published = board_.publish(previous_.rules); !published) return tl::unexpected(published.error());
  std::swap(current_, previous_);
  current_.since = wall_clock();
  return current_.rules->number();
}

std::shared_ptr<const RuleGeneration> Reloader::current() const {
  const std::scoped_lock lock(mutex_);
  return current_.rules;
}

Settings Reloader::settings() const {
  const std::scoped_lock lock(mutex_);
  return settings_;
}

reassembly::Timestamp Reloader::last_reload() const {
  const std::scoped_lock lock(mutex_);
  return current_.since;
}

std::vector<KnownGeneration> Reloader::generations() const {
  std::vector<KnownGeneration> all;
  const auto add = [&](const Held& held, KnownGeneration::State state) {
    if (!held.rules) return;
    all.push_back({held.rules->number(), state, held.rules->counts, shadows_of(*held.rules),
                   held.rules->set->report().database_bytes, held.since});
  };
  const std::scoped_lock lock(mutex_);
  add(current_, KnownGeneration::State::running);
  add(previous_, KnownGeneration::State::previous);
  for (const Held& held : leaving_) add(held, KnownGeneration::State::leaving);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
  return all;
}

void Reloader::run() {
  // Of this thread alone. Without the privilege to become nicer nothing is lost but speed of the others.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19));
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (jobs_.empty()) {
      if (leaving_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_for(lock, std::chrono::milliseconds(100));
        lock.unlock();
        release();
        lock.lock();
      }
      continue;
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    ReloadReport report = work(job.request);
    if (hooks_.done) hooks_.done(job.request, report);
    job.answer.set_value(std::move(report));
    lock.lock();
  }
  for (Job& job : jobs_) {
    ReloadReport report;
    report.errors.emplace_back("the engine is shutting down");
    job.answer.set_value(std::move(report));
  }
}

Reloader::Plan Reloader::read_rules(const Settings& settings) const {
  if (hooks_.out_of_reach) {
    if (auto lines = hooks_.out_of_reach(settings); !lines.empty()) return tl::unexpected(std::move(lines));
  }
  return load_rules(settings, names_);
}

// The rules that the next generation is to be made of. `settings` are those in force; a reload reads them
// anew.
Reloader::Plan Reloader::plan(const ReloadRequest& request, const RuleGeneration& now,
                              Settings& settings) const {
  LoadedRules loaded;
  switch (request.what) {
    case What::reload:
    case What::compare: {
      auto read = hooks_.settings();
      if (!read) return tl::unexpected(std::move(read.error()));
      if (auto fixed = changes_for_restart(settings, *read); !fixed.empty())
        return tl::unexpected(std::move(fixed));
      settings = std::move(*read);
      auto files = read_rules(settings);
      if (!files) return files;
      if (files->parsed.report.loaded == 0 && !files->parsed.report.failed.empty())
        return tl::unexpected(std::vector<std::string>{"no rule of the files could be used"});
      append(files->parsed.rules, signatures::rules_of(*now.set, true));
      return files;
    }
    case What::shadow: {
      loaded.parsed.names = names_;
      if (!request.path.empty()) {
        Settings other = settings;
        other.rules.files = {request.path};
        auto files = read_rules(other);
        if (!files) return files;
        loaded.parsed = std::move(files->parsed);
        signatures::make_shadows(loaded.parsed.rules, loaded.parsed.names);
      }
      loaded.rates = now.rates;
      auto acting = signatures::rules_of(*now.set, false);
      loaded.parsed.report.loaded = static_cast<std::uint32_t>(acting.size());
      append(loaded.parsed.rules, std::move(acting));
      return loaded;
    }
    case What::promote: {
      loaded.parsed.names = names_;
      loaded.parsed.rules = signatures::rules_of(*now.set, true);
      if (loaded.parsed.rules.empty())
        return tl::unexpected(std::vector<std::string>{"there are no shadow rules"});
      signatures::make_acting(loaded.parsed.rules, loaded.parsed.names);
      loaded.rates = now.rates;
      loaded.parsed.report.loaded = static_cast<std::uint32_t>(loaded.parsed.rules.size());
      return loaded;
    }
  }
  return loaded;
}

// Asked between two databases: whether the compilation is to be given up, and why.
std::optional<std::string> Reloader::object(ReloadReport& report, std::uint64_t turn) const {
  const std::uint64_t resident = resident_bytes();
  report.memory_peak = std::max(report.memory_peak, resident);
  if (turn_.load() != turn) return "given up for a rollback or the end";
  if (limits_.memory != 0 && resident > report.memory_before + limits_.memory)
    return fmt::format("compiling took more than {} of memory (reload.memory)", show_size(limits_.memory));
  return std::nullopt;
}

ReloadReport Reloader::work(const ReloadRequest& request) {
  ReloadReport report;
  const auto failed = [&](std::vector<std::string> errors) {
    report.errors = std::move(errors);
    return report;
  };
  const auto start = Steady::now();
  report.memory_before = report.memory_peak = resident_bytes();
  std::unique_lock lock(mutex_);
  const std::uint64_t turn = turn_.load();
  const std::shared_ptr<const RuleGeneration> now = current_.rules;
  Settings settings = settings_;
  const std::uint64_t number = last_number_ + 1;
  lock.unlock();
  report.generation = now->number();

  Plan loaded = plan(request, *now, settings);
  if (!loaded) return failed(std::move(loaded.error()));
  signatures::Names names = loaded->parsed.names;
  auto rules = compile_rules(std::move(*loaded), settings, number, [&] { return object(report, turn); });
  if (!rules) return failed(std::move(rules.error()));
  report.changes = compare(*now->set, *(*rules)->set);
  report.counts = (*rules)->counts;
  report.failed = (*rules)->failed;
  report.shadows = shadows_of(**rules);
  report.compiled = Steady::now() - start;
  Hooks::Commit commit;
  if (hooks_.prepare && request.what == What::reload) {
    auto ready = hooks_.prepare(settings);
    if (!ready) return failed({std::move(ready.error())});
    commit = std::move(*ready);
  }
  report.generation = number;
  if (request.what == What::compare) {
    report.memory_after = resident_bytes();
    return report;
  }
  if (!put_in_force(*rules, settings, turn)) {
    report.generation = now->number();
    return failed({"given up for a rollback or the end, or for want of memory"});
  }
  names_ = std::move(names);
  if (commit) commit();
  rules->reset();
  const auto published = Steady::now();
  report.by_all = board_.wait_for_workers(limits_.patience);
  report.taken_up = Steady::now() - published;
  release();
  report.memory_after = resident_bytes();
  return report;
}

bool Reloader::put_in_force(const std::shared_ptr<const RuleGeneration>& rules, const Settings& settings,
                            std::uint64_t turn) {
  const std::scoped_lock lock(mutex_);
  if (turn_.load() != turn || !board_.publish(rules)) return false;
  if (previous_.rules) leaving_.push_back(std::move(previous_));
  previous_ = std::move(current_);
  current_ = {rules, wall_clock()};
  last_number_ = rules->number();
  settings_ = settings;
  return true;
}

// Destroys, without the lock, the sets that nobody else holds.
void Reloader::release() {
  std::vector<Held> gone;
  {
    const std::scoped_lock lock(mutex_);
    const auto free = [](const Held& held) { return held.rules.use_count() > 1; };
    const auto first = std::partition(leaving_.begin(), leaving_.end(), free);
    gone.assign(std::make_move_iterator(first), std::make_move_iterator(leaving_.end()));
    leaving_.erase(first, leaving_.end());
  }
  if (gone.empty()) return;
  gone.clear();
  malloc_trim(0);
}

}  // namespace lockstep
