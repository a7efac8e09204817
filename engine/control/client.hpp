// One client of the control socket, as the server sees it: bytes in, answers out. Owns no socket.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "engine/control/commands.hpp"
#include "engine/control/message_reader.hpp"

namespace lockstep {

class ControlClient {
 public:
  // `who` stands in our own log beside what was asked for.
  ControlClient(ControlTarget& target, std::string who) : target_(&target), who_(std::move(who)) {}

  void feed(std::string_view bytes) { reader_.feed(bytes); }
  // Goes on with what has come, one command at a time.
  void work();
  [[nodiscard]] bool greeted() const { return greeted_; }
  // A command is under way.
  [[nodiscard]] bool busy() const { return static_cast<bool>(pending_); }
  // Nothing more is taken; the client is to be cut off when out() is sent.
  [[nodiscard]] bool finished() const { return finished_; }
  // What is to be sent; the caller removes what was.
  [[nodiscard]] std::string& out() { return out_; }

 private:
  void take(const std::string& text);
  void greet(const nlohmann::json& message);
  void answer(const ControlAnswer& answer);

  ControlTarget* target_;
  std::string who_;
  MessageReader reader_;
  PendingAnswer pending_;
  std::string out_;
  bool greeted_ = false;
  bool finished_ = false;
};

}  // namespace lockstep
