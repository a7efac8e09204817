// Application protocols that are told apart by the first bytes of a TCP connection, under Suricata's names.
// Plain values.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lockstep::signatures {

enum class AppProtocol : std::uint8_t {
  unknown,  // not decided yet
  failed,   // none of those known here, for good
  http1,
  http2,
  tls,
  ssh,
  smtp,
  ftp,
  smb,
  dcerpc,
  dns,
  imap,
  pop3,
  rdp,
  telnet,
  modbus,
  dnp3,
  enip,
  mqtt,
  rfb,
  pgsql,
  count
};

// As logs write it: `http` for http1.
[[nodiscard]] std::string_view name(AppProtocol protocol);

// A set of protocols.
class ProtocolSet {
 public:
  constexpr ProtocolSet() = default;
  constexpr ProtocolSet(AppProtocol protocol) : bits_(bit(protocol)) {}  // NOLINT: one is a set
  [[nodiscard]] constexpr bool contains(AppProtocol protocol) const { return (bits_ & bit(protocol)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  constexpr ProtocolSet& operator|=(ProtocolSet other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr ProtocolSet operator|(ProtocolSet left, ProtocolSet right) { return left |= right; }
  bool operator==(const ProtocolSet&) const = default;

 private:
  static constexpr std::uint32_t bit(AppProtocol protocol) {
    return std::uint32_t{1} << static_cast<unsigned>(protocol);
  }
  std::uint32_t bits_ = 0;
};
static_assert(static_cast<unsigned>(AppProtocol::count) <= 32);

// What a rule means by a protocol's name (lower case): `http` is both versions, `dcerpc` also smb, which
// carries it. Nothing: not a protocol that is detected. `exact`: that protocol alone.
[[nodiscard]] std::optional<ProtocolSet> protocols_named(std::string_view name, bool exact = false);

}  // namespace lockstep::signatures
