#include "signatures/app_protocol.hpp"

#include <algorithm>

namespace lockstep::signatures {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(AppProtocol::count)> names = {
    "unknown", "failed", "http", "http2",  "tls",    "ssh",  "smtp", "ftp",  "smb", "dcerpc", "dns",
    "imap",    "pop3",   "rdp",  "telnet", "modbus", "dnp3", "enip", "mqtt", "rfb", "pgsql"};

}  // namespace

std::string_view name(AppProtocol protocol) {
  return names[static_cast<std::size_t>(protocol)];
}

std::optional<ProtocolSet> protocols_named(std::string_view wanted, bool exact) {
  if (wanted == "http1") return ProtocolSet(AppProtocol::http1);
  if (wanted == "http") return ProtocolSet(AppProtocol::http1) | AppProtocol::http2;
  if (wanted == "ssl") return ProtocolSet(AppProtocol::tls);
  if (wanted == "dcerpc" && !exact) return ProtocolSet(AppProtocol::dcerpc) | AppProtocol::smb;
  const auto* place = std::find(names.begin(), names.end(), wanted);
  if (place == names.end()) return std::nullopt;
  return ProtocolSet(static_cast<AppProtocol>(place - names.begin()));
}

}  // namespace lockstep::signatures
