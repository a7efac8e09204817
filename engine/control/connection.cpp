#include "engine/control/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>

#include "engine/unix_address.hpp"

namespace lockstep {

using nlohmann::json;

tl::expected<ControlConnection, std::string> ControlConnection::open(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return tl::unexpected(fmt::format("{}: too long for a socket", path));
  ControlConnection connection(Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  if (::connect(connection.file_.get(), generic(*address), sizeof *address) != 0) {
    const char* remedy = errno == EACCES ? "be root, or of the group that control.group names"
                                         : "is the engine running? --socket names another one";
    return tl::unexpected(fmt::format("{}: {}; {}", path, std::strerror(errno), remedy));
  }
  const auto greeted = connection.ask({{"version", "0.2"}});
  if (!greeted) return tl::unexpected(fmt::format("{}: {}", path, greeted.error()));
  if (greeted->value("return", "") != "OK")
    return tl::unexpected(fmt::format("{}: refused: {}", path, greeted->value("message", json()).dump()));
  return connection;
}

tl::expected<json, std::string> ControlConnection::ask(const json& message) {
  const std::string line = message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t count = ::send(file_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected(fmt::format("the engine is gone: {}", std::strerror(errno)));
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  std::string answer;
  std::array<char, 16'384> bytes{};
  while (answer.empty() || answer.back() != '\n') {
    const ssize_t count = ::recv(file_.get(), bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return tl::unexpected(std::string("the engine closed the connection"));
    answer.append(bytes.data(), static_cast<std::size_t>(count));
  }
  json parsed = json::parse(answer, nullptr, false);
  if (!parsed.is_object()) return tl::unexpected(std::string("what came is no answer"));
  return parsed;
}

}  // namespace lockstep
