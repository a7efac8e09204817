// A client of the control socket that sends arbitrary bytes, in two cuts. Every line that goes back is an
// answer; the same bytes byte by byte get the same answers.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "engine/compile_rules.hpp"
#include "engine/control/client.hpp"

using namespace lockstep;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

class Target final : public ControlTarget {
 public:
  std::chrono::seconds uptime() const override { return std::chrono::seconds(1); }
  std::string capture_mode() const override { return "none"; }
  std::vector<InterfaceCounts> interfaces() const override { return {{"a"}}; }
  CounterSnapshot counters() const override { return {}; }
  Settings settings() const override { return {}; }
  Reloader& reloader() override { return reloader_; }
  void reopen_logs() override {}
  void shut_down() override {}
  PendingAnswer flows(const FlowFilter&) override { return at_once(nullptr); }
  PendingAnswer flow(std::uint64_t) override { return at_once(nullptr); }
  PendingAnswer change_list(ListChange, const std::string&, std::optional<std::chrono::seconds>) override {
    return at_once(nullptr);
  }

 private:
  static std::shared_ptr<const RuleGeneration> no_rules() { return compile_rules({}, Settings{}, 1).value(); }
  std::shared_ptr<const RuleGeneration> rules_ = no_rules();
  RuleBoard board_{0, rules_};
  static tl::expected<Settings, std::vector<std::string>> no_settings() {
    return tl::unexpected(std::vector<std::string>{"none"});
  }
  Reloader reloader_{Settings{}, rules_, board_, {.settings = no_settings}};
};

// Whether the answers are OK that a client gets which sends `bytes` in pieces of `cut`.
std::vector<bool> answers(std::string_view bytes, std::size_t cut) {
  spdlog::set_level(spdlog::level::off);
  Target target;
  ControlClient client(target, "fuzzer");
  while (!bytes.empty() && !client.finished()) {
    const auto piece = bytes.substr(0, cut);
    bytes.remove_prefix(piece.size());
    client.feed(piece);
    for (client.work(); client.busy(); client.work()) {
    }
  }
  std::vector<bool> good;
  const std::string& out = client.out();
  for (std::size_t at = 0; at < out.size();) {
    const auto end = out.find('\n', at);
    must(end != std::string::npos);
    const auto answer = nlohmann::json::parse(out.substr(at, end - at));
    must(answer.at("return") == "OK" || answer.at("return") == "NOK");
    good.push_back(answer.at("return") == "OK");
    at = end + 1;
  }
  return good;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = answers(bytes, 4096);
  if (size < 512) must(answers(bytes, 1) == whole);
  return 0;
}
