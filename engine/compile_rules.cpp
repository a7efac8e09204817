#include "engine/compile_rules.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "reassembly/stream_event.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class DirectoryCache final : public signatures::DatabaseCache {
 public:
  explicit DirectoryCache(std::string directory) : directory_(std::move(directory)) {}

  std::optional<std::vector<char>> load(const std::string& key) override {
    std::ifstream file(directory_ / key, std::ios::binary);
    if (!file) return std::nullopt;
    return std::vector<char>{std::istreambuf_iterator<char>(file), {}};
  }

  // A cache that can't be written costs time, nothing else.
  void store(const std::string& key, std::span<const char> bytes) override {
    std::error_code error;
    fs::create_directories(directory_, error);
    const fs::path beside = directory_ / (key + ".new");
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) fs::rename(beside, directory_ / key, error);
    if (!file || error) spdlog::warn(fmt::format("the rule cache {} can't be written", directory_.string()));
  }

 private:
  fs::path directory_;
};

}  // namespace

std::vector<std::string> stream_event_names() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < static_cast<unsigned>(reassembly::StreamEvent::count); ++i) {
    names.emplace_back(name(static_cast<reassembly::StreamEvent>(i)));
  }
  return names;
}

tl::expected<std::shared_ptr<const RuleGeneration>, std::vector<std::string>> compile_rules(
    LoadedRules&& loaded, const Settings& settings, std::uint64_t generation, Objection objection) {
  signatures::CompileOptions options;
  options.generation = generation;
  options.objection = std::move(objection);
  options.window = static_cast<std::uint32_t>(settings.stream.inspect_window);
  options.stream_events = stream_event_names();
  DirectoryCache cache(settings.rules.cache);
  if (!settings.rules.cache.empty()) options.cache = &cache;
  auto set =
      signatures::RuleSet::compile(std::move(loaded.parsed.rules), std::move(loaded.parsed.names), options);
  if (!set) {
    std::vector<std::string> errors;
    for (const signatures::CompileError& error : set.error()) {
      errors.push_back(error.id.sid == 0
                           ? error.text
                           : fmt::format("rule {}:{}: {}", error.id.gid, error.id.sid, error.text));
    }
    return tl::unexpected(std::move(errors));
  }
  auto result = std::make_shared<RuleGeneration>();
  result->set = std::move(*set);
  result->log = std::make_shared<const EveSettings>(settings.outputs.eve);
  const signatures::LoadReport& report = loaded.parsed.report;
  result->counts = {report.loaded, report.failed.size(), report.skipped.size()};
  std::vector<const signatures::Rule*> rules;
  rules.reserve(result->set->size());
  for (std::uint32_t i = 0; i < result->set->size(); ++i) rules.push_back(&result->set->rule(i));
  result->policies = make_policies(rules, loaded.rates);
  for (const signatures::Diagnostic& failure : report.failed) {
    result->failed.push_back(
        {failure.place.file < report.files.size() ? report.files[failure.place.file] : "", failure.place.line,
         failure.excerpt, failure.message});
  }
  result->rates = std::move(loaded.rates);
  return result;
}

}  // namespace lockstep
