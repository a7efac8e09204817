// The other end of the control socket: asks one command after the other and waits for each answer.
#pragma once
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace lockstep {

class ControlConnection {
 public:
  // The error names the socket, what is wrong and the remedy.
  [[nodiscard]] static tl::expected<ControlConnection, std::string> open(const std::string& path);
  ControlConnection(ControlConnection&& other) noexcept;
  ControlConnection& operator=(ControlConnection&&) = delete;
  ~ControlConnection();

  // {"message": ..., "return": "OK" or "NOK"}. The error: the engine is gone, or speaks otherwise.
  [[nodiscard]] tl::expected<nlohmann::json, std::string> ask(const nlohmann::json& message);

 private:
  explicit ControlConnection(int file) : file_(file) {}
  int file_;
};

}  // namespace lockstep
