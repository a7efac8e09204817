#include "signatures/protocol_probes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "signatures/byte_search.hpp"

namespace lockstep::signatures {
namespace {

using Prefix = std::span<const std::uint8_t>;
using namespace std::string_view_literals;

// `more`: the bytes so far do not decide. `length`: how many did.
struct Step {
  enum class Kind : std::uint8_t { no, more, yes };
  Kind kind = Kind::more;
  std::size_t length = 0;
};
constexpr Step no(std::size_t length) {
  return {Step::Kind::no, length};
}
constexpr Step yes(std::size_t length) {
  return {Step::Kind::yes, length};
}
constexpr Step more{};

bool folds_to(std::uint8_t byte, char wanted) {
  return to_lower(byte) == to_lower(static_cast<std::uint8_t>(wanted));
}

// The text at `offset`, in any case of letters.
Step text_at(Prefix bytes, std::size_t offset, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (offset + i >= bytes.size()) return more;
    if (!folds_to(bytes[offset + i], text[i])) return no(offset + i + 1);
  }
  return yes(offset + text.size());
}

// Holds once `size` bytes are there and the condition does.
template <typename Condition>
Step with(Prefix bytes, std::size_t size, Condition holds) {
  if (bytes.size() < size) return more;
  return holds() ? yes(size) : no(size);
}

std::uint32_t big16(Prefix bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 8U | bytes[at + 1];
}
std::uint32_t little16(Prefix bytes, std::size_t at) {
  return std::uint32_t{bytes[at + 1]} << 8U | bytes[at];
}
std::uint32_t big32(Prefix bytes, std::size_t at) {
  return big16(bytes, at) << 16U | big16(bytes, at + 2);
}

// ---- patterns that hold on any port

struct Pattern {
  AppProtocol protocol;
  std::string_view text;
};

constexpr std::string_view http_methods[] = {"GET",
                                             "PUT",
                                             "POST",
                                             "HEAD",
                                             "TRACE",
                                             "OPTIONS",
                                             "CONNECT",
                                             "DELETE",
                                             "PATCH",
                                             "PROPFIND",
                                             "PROPPATCH",
                                             "MKCOL",
                                             "COPY",
                                             "MOVE",
                                             "LOCK",
                                             "UNLOCK",
                                             "CHECKOUT",
                                             "UNCHECKOUT",
                                             "CHECKIN",
                                             "UPDATE",
                                             "LABEL",
                                             "REPORT",
                                             "MKWORKSPACE",
                                             "MKACTIVITY",
                                             "MERGE",
                                             "INVALID",
                                             "VERSION-CONTROL",
                                             "BASELINE-CONTROL"};

constexpr Pattern client_patterns[] = {
    {AppProtocol::http2, "PRI * HTTP/2.0\r\n"},
    {AppProtocol::ssh, "SSH-"},
    {AppProtocol::smtp, "EHLO"},
    {AppProtocol::smtp, "HELO"},
    {AppProtocol::ftp, "FEAT"},
    {AppProtocol::ftp, "PORT "},
    {AppProtocol::rfb, "RFB "},
};

constexpr Pattern server_patterns[] = {
    {AppProtocol::http1, "HTTP/0.9"},  {AppProtocol::http1, "HTTP/1.0"}, {AppProtocol::http1, "HTTP/1.1"},
    {AppProtocol::ssh, "SSH-"},        {AppProtocol::ftp, "220 ("},      {AppProtocol::imap, "* OK "},
    {AppProtocol::imap, "* NO "},      {AppProtocol::imap, "* BAD "},    {AppProtocol::imap, "* LIST "},
    {AppProtocol::imap, "* ESEARCH "}, {AppProtocol::imap, "* STATUS "}, {AppProtocol::imap, "* FLAGS "},
    {AppProtocol::rfb, "RFB "},
};

// The records and the versions SSL 3.0 to TLS 1.2, which TLS 1.3 keeps (RFC 8446 §5.1).
Step tls_record(Prefix bytes, std::string_view types) {
  if (bytes.empty()) return more;
  if (types.find(static_cast<char>(bytes[0])) == std::string_view::npos) return no(1);
  if (bytes.size() < 2) return more;
  if (bytes[1] != 3) return no(2);
  return with(bytes, 3, [&] { return bytes[2] <= 3; });
}

// An SSL 2.0 hello with a header of two bytes.
Step ssl2_hello(Prefix bytes) {
  if (!bytes.empty() && (bytes[0] & 0x80U) == 0) return no(1);
  return with(bytes, 3, [&] { return bytes[2] == 1; });
}

// The same on any port: version 2.0 must follow.
Step ssl2_hello_of_its_version(Prefix bytes) {
  const Step hello = ssl2_hello(bytes);
  if (hello.kind != Step::Kind::yes) return hello;
  return with(bytes, 5, [&] { return big16(bytes, 3) == 2; });
}

// MS-SMB2 §2.1: behind four bytes of direct TCP transport (or NetBIOS session service).
Step smb_message(Prefix bytes, std::size_t at) {
  if (bytes.size() <= at) return more;
  if (bytes[at] != 0) return no(at + 1);
  if (bytes.size() < at + 5) return more;
  if (bytes[at + 4] < 0xfd) return no(at + 5);
  return text_at(bytes, at + 5, "SMB");
}

// A NetBIOS session may be requested first (RFC 1002 §4.3.1).
Step smb_behind_session_request(Prefix bytes) {
  constexpr std::size_t longest = 256;
  if (bytes.size() < 4) return more;
  if (bytes[0] < 0x81 || bytes[0] > 0x85) return no(4);
  const std::size_t length = (std::size_t{bytes[1]} & 1U) << 16U | big16(bytes, 2);
  if (length >= longest) return no(4);
  return smb_message(bytes, 4 + length);
}

// C706 §12.6.3: the common header of version 5.0.
Step dcerpc_header(Prefix bytes) {
  if (const Step version = text_at(bytes, 0, "\x05\x00"sv); version.kind != Step::Kind::yes) return version;
  return with(bytes, 16, [&] { return (bytes[4] & 0xeeU) == 0 && bytes[5] <= 3; });
}

Step http_method(Prefix bytes) {
  Step all = no(0);
  for (const std::string_view method : http_methods) {
    Step step = text_at(bytes, 0, method);
    if (step.kind == Step::Kind::yes) {
      step = with(bytes, method.size() + 1,
                  [&] { return bytes[method.size()] == ' ' || bytes[method.size()] == '\t'; });
    }
    if (step.kind == Step::Kind::yes) return step;
    if (step.kind == Step::Kind::more || all.kind == Step::Kind::more) {
      all = more;
    } else {
      all.length = std::max(all.length, step.length);
    }
  }
  return all;
}

// The tag of a command is the client's choice (RFC 3501 §2.2.1).
Step imap_capability(Prefix bytes) {
  constexpr std::size_t longest_tag = 6;
  Step all = no(0);
  for (std::size_t at = 0; at <= longest_tag; ++at) {
    const Step step = text_at(bytes, at, " CAPABILITY");
    if (step.kind != Step::Kind::no) return step;
    all.length = std::max(all.length, step.length);
  }
  return all;
}

// ---- probes for certain ports

// RFC 1035 §4.2.2.
Step dns_message(Prefix bytes, bool response) {
  return with(bytes, 14, [&] {
    const std::uint32_t length = big16(bytes, 0);
    const std::uint32_t questions = big16(bytes, 6);
    const std::uint32_t records = questions + big16(bytes, 8) + big16(bytes, 10) + big16(bytes, 12);
    const bool answers = (bytes[4] & 0x80U) != 0;
    if (length < 12 || 2 * records > length || (records == 0 && length > 12)) return false;
    return answers == response && (answers || questions > 0);
  });
}

Step modbus_message(Prefix bytes) {
  return with(bytes, 8, [&] {
    const std::uint32_t length = big16(bytes, 4);
    return big16(bytes, 2) == 0 && length >= 2 && length <= 254 && (bytes[7] & 0x7fU) != 0;
  });
}

Step dnp3_frame(Prefix bytes) {
  return with(bytes, 10, [&] { return bytes[0] == 0x05 && bytes[1] == 0x64 && bytes[2] >= 5; });
}

Step enip_header(Prefix bytes) {
  return with(bytes, 24, [&] {
    constexpr std::uint16_t commands[] = {0x00, 0x01, 0x04, 0x63, 0x64, 0x65, 0x66, 0x6f, 0x70, 0x72, 0x73};
    constexpr std::uint16_t statuses[] = {0x00, 0x01, 0x02, 0x03, 0x64, 0x65, 0x69};
    const auto among = [](const auto& list, std::uint32_t value) {
      return std::find(std::begin(list), std::end(list), value) != std::end(list);
    };
    return among(commands, little16(bytes, 0)) && among(statuses, little16(bytes, 8)) && bytes[10] == 0 &&
           bytes[11] == 0;
  });
}

// MQTT 3.1.1 §2.2: a type, a quality of service, and a length of up to four bytes.
Step mqtt_header(Prefix bytes) {
  if (bytes.empty()) return more;
  if (bytes[0] >> 4U == 0 || (bytes[0] >> 1U & 3U) == 3) return no(1);
  for (std::size_t i = 1; i <= 4; ++i) {
    if (i >= bytes.size()) return more;
    if ((bytes[i] & 0x80U) == 0) return yes(i + 1);
  }
  return no(5);
}

Step pgsql_startup(Prefix bytes) {
  return with(bytes, 8, [&] {
    constexpr std::uint32_t codes[] = {0x00030000, 0x00030002, 80877102, 80877103, 80877104};
    return big32(bytes, 0) >= 8 &&
           std::find(std::begin(codes), std::end(codes), big32(bytes, 4)) != std::end(codes);
  });
}

// The answer to a request for TLS, or to the start: authentication, error or notice.
Step pgsql_answer(Prefix bytes) {
  if (bytes.empty()) return more;
  if (bytes[0] == 'S' || bytes[0] == 'N') return yes(1);
  if (bytes[0] != 'R' && bytes[0] != 'E') return no(1);
  return with(bytes, 5, [&] { return big32(bytes, 1) >= 4 && big32(bytes, 1) < 65536; });
}

Step any_text_of(Prefix bytes, std::span<const std::string_view> texts) {
  Step all = no(0);
  for (const std::string_view text : texts) {
    const Step step = text_at(bytes, 0, text);
    if (step.kind == Step::Kind::yes) return step;
    if (step.kind == Step::Kind::more) all.kind = Step::Kind::more;
    all.length = std::max(all.length, step.length);
  }
  return all.kind == Step::Kind::more ? more : all;
}

constexpr std::string_view pop3_commands[] = {"USER ", "APOP ", "AUTH", "CAPA", "STLS", "QUIT", "NOOP"};
constexpr std::string_view pop3_answers[] = {"+OK", "-ERR"};
constexpr std::string_view quit[] = {"QUIT"};
constexpr std::string_view user[] = {"USER "};

constexpr std::uint16_t dns_ports[] = {53};
constexpr std::uint16_t smb_ports[] = {139, 445};
constexpr std::uint16_t modbus_ports[] = {502};
constexpr std::uint16_t dnp3_ports[] = {20000};
constexpr std::uint16_t enip_ports[] = {44818};
constexpr std::uint16_t mqtt_ports[] = {1883};
constexpr std::uint16_t rdp_ports[] = {3389};
constexpr std::uint16_t telnet_ports[] = {23};
constexpr std::uint16_t pop3_ports[] = {110};
constexpr std::uint16_t pgsql_ports[] = {5432};
constexpr std::uint16_t tls_ports[] = {443};
constexpr std::uint16_t smtp_ports[] = {25, 465, 587};
constexpr std::uint16_t ftp_ports[] = {21};

bool among(std::span<const std::uint16_t> ports, std::uint16_t port) {
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

// A reply of code 220: `220 text` or `220-text`, to the end of its first line.
Step greeting_line(Prefix bytes) {
  const Step code = text_at(bytes, 0, "220");
  if (code.kind != Step::Kind::yes) return code;
  if (bytes.size() < 5) return bytes.size() == 4 && bytes[3] != ' ' && bytes[3] != '-' ? no(4) : more;
  if (bytes[3] != ' ' && bytes[3] != '-') return no(4);
  const auto end = std::find(bytes.begin() + 4, bytes.end(), '\n');
  return end == bytes.end() ? more : yes(static_cast<std::size_t>(end - bytes.begin()) + 1);
}

// Gathers steps: the earliest `yes` counts, in the order of asking where two are as early; it is `no` when
// all are.
class Verdict {
 public:
  void add(AppProtocol protocol, Step step) {
    if (step.kind == Step::Kind::yes && (found_ == AppProtocol::unknown || step.length < length_)) {
      found_ = protocol;
      length_ = step.length;
    }
    if (step.kind == Step::Kind::more) open_ = true;
    if (step.kind == Step::Kind::no) refuted_ = std::max(refuted_, step.length);
  }
  [[nodiscard]] AppProtocol found() const { return found_; }
  [[nodiscard]] Step step() const {
    if (found_ != AppProtocol::unknown) return yes(length_);
    return open_ ? more : no(refuted_);
  }

 private:
  AppProtocol found_ = AppProtocol::unknown;
  std::size_t length_ = 0;
  std::size_t refuted_ = 0;
  bool open_ = false;
};

class Probing {
 public:
  Probing(const ProbeInput& input, Verdict& verdict)
      : input_(input), bytes_(input.bytes), verdict_(verdict) {}

  void patterns(Direction side) {
    const bool client = side == Direction::to_server;
    if (client) verdict_.add(AppProtocol::http1, http_method(bytes_));
    for (const Pattern& pattern : client ? std::span<const Pattern>(client_patterns) : server_patterns)
      verdict_.add(pattern.protocol, text_at(bytes_, 0, pattern.text));
    verdict_.add(AppProtocol::tls, tls_record(bytes_, client ? "\x16\x01"sv : "\x15\x16\x17"sv));
    if (client) verdict_.add(AppProtocol::tls, ssl2_hello_of_its_version(bytes_));
    verdict_.add(AppProtocol::smb, smb_message(bytes_, 0));
    verdict_.add(AppProtocol::dcerpc, dcerpc_header(bytes_));
    if (!client) return;
    // The same words open file transfer and mail.
    if (!expects(AppProtocol::pop3, pop3_ports)) {
      verdict_.add(AppProtocol::ftp, any_text_of(bytes_, user));
      verdict_.add(expects(AppProtocol::ftp, ftp_ports) ? AppProtocol::ftp : AppProtocol::smtp,
                   any_text_of(bytes_, quit));
    }
  }

  void probes(Direction side) {
    const bool client = side == Direction::to_server;
    if (client) verdict_.add(AppProtocol::imap, imap_capability(bytes_));
    if (client && among(tls_ports, input_.server_port)) verdict_.add(AppProtocol::tls, ssl2_hello(bytes_));
    on(AppProtocol::smb, smb_ports, [&] { return smb_behind_session_request(bytes_); });
    on(AppProtocol::dns, dns_ports, [&] { return dns_message(bytes_, !client); });
    on(AppProtocol::modbus, modbus_ports, [&] { return modbus_message(bytes_); });
    on(AppProtocol::dnp3, dnp3_ports, [&] { return dnp3_frame(bytes_); });
    on(AppProtocol::enip, enip_ports, [&] { return enip_header(bytes_); });
    on(AppProtocol::mqtt, mqtt_ports, [&] { return mqtt_header(bytes_); });
    on(AppProtocol::rdp, rdp_ports, [&] { return with(bytes_, 1, [&] { return bytes_[0] == 3; }); });
    on(AppProtocol::telnet, telnet_ports, [&] { return with(bytes_, 2, [] { return true; }); });
    on(AppProtocol::pop3, pop3_ports,
       [&] { return any_text_of(bytes_, client ? Words(pop3_commands) : pop3_answers); });
    on(AppProtocol::pgsql, pgsql_ports,
       [&] { return client ? pgsql_startup(bytes_) : pgsql_answer(bytes_); });
  }

 private:
  using Words = std::span<const std::string_view>;

  [[nodiscard]] bool expects(AppProtocol protocol, std::span<const std::uint16_t> ports) const {
    return input_.other == protocol || among(ports, input_.server_port);
  }
  template <typename Ask>
  void on(AppProtocol protocol, std::span<const std::uint16_t> ports, Ask ask) {
    if (expects(protocol, ports)) verdict_.add(protocol, ask());
  }

  const ProbeInput& input_;
  Prefix bytes_;
  Verdict& verdict_;
};

}  // namespace

// A pattern goes before every probe; what a probe says counts from where no pattern can hold any more.
ProbeAnswer probe(const ProbeInput& input) {
  const Direction reverse =
      input.direction == Direction::to_server ? Direction::to_client : Direction::to_server;
  Verdict patterns;
  Verdict probes;
  Probing(input, patterns).patterns(input.direction);
  Probing(input, probes).probes(input.direction);
  if (input.either_side) {
    Probing(input, patterns).patterns(reverse);
    Probing(input, probes).probes(reverse);
  }
  const Step pattern = patterns.step();
  if (pattern.kind == Step::Kind::yes) return {patterns.found(), pattern.length, 0};
  const bool spent = input.bytes.size() >= max_prefix;
  if (pattern.kind == Step::Kind::more && !spent) return {};
  const Step probed = probes.step();
  const Step greeting = input.direction == Direction::to_client ? greeting_line(input.bytes) : no(0);
  const bool greets = greeting.kind == Step::Kind::yes;
  if (probed.kind == Step::Kind::yes && !(greets && greeting.length < probed.length))
    return {probes.found(), std::max(probed.length, pattern.length), 0};
  if (greets) return {AppProtocol::unknown, 0, std::max(greeting.length, pattern.length)};
  if (spent) return {AppProtocol::failed, max_prefix, 0};
  if (probed.kind == Step::Kind::more || greeting.kind == Step::Kind::more) return {};
  return {AppProtocol::failed, std::max({pattern.length, probed.length, greeting.length}), 0};
}

bool greets_on(AppProtocol protocol, std::uint16_t server_port) {
  if (protocol == AppProtocol::smtp) return among(smtp_ports, server_port);
  return protocol == AppProtocol::ftp && among(ftp_ports, server_port);
}

}  // namespace lockstep::signatures
