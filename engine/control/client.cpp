#include "engine/control/client.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace lockstep {

using nlohmann::json;

void ControlClient::work() {
  while (!finished_) {
    if (pending_) {
      const std::optional<ControlAnswer> done = pending_();
      if (!done) return;
      pending_ = nullptr;
      answer(*done);
    }
    const std::optional<std::string> text = reader_.next();
    if (!text) break;
    take(*text);
  }
  if (!reader_.broken() || finished_) return;
  answer(tl::unexpected(std::string("not a JSON object, or too long")));
  finished_ = true;
}

void ControlClient::take(const std::string& text) {
  const json message = json::parse(text, nullptr, false);
  if (message.is_discarded()) {
    answer(tl::unexpected(std::string("not a JSON object")));
    finished_ = true;
    return;
  }
  if (!greeted_) return greet(message);
  const auto name = message.find("command");
  if (name == message.end() || !name->is_string())
    return answer(tl::unexpected(std::string("no command is named")));
  const ControlCommand* command = find_control_command(name->get_ref<const std::string&>());
  if (command == nullptr) return answer(tl::unexpected(std::string("Unknown command")));
  const auto given = message.find("arguments");
  if (given != message.end() && !given->is_object())
    return answer(tl::unexpected(std::string("the arguments are no object")));
  if (command->changes) spdlog::info(fmt::format("control: {}: {}", who_, command->name));
  pending_ = begin_command(*command, *target_, given == message.end() ? json::object() : *given);
}

void ControlClient::greet(const json& message) {
  const auto version = message.find("version");
  greeted_ = version != message.end() && (*version == "0.1" || *version == "0.2");
  if (greeted_) {
    out_ += R"({"return":"OK"})"
            "\n";
    return;
  }
  answer(tl::unexpected(std::string("the first message must be {\"version\": \"0.2\"}")));
  finished_ = true;
}

void ControlClient::answer(const ControlAnswer& answer) {
  const json line{{"message", answer ? *answer : json(answer.error())}, {"return", answer ? "OK" : "NOK"}};
  out_ += line.dump(-1, ' ', false, json::error_handler_t::replace);
  out_ += '\n';
}

}  // namespace lockstep
