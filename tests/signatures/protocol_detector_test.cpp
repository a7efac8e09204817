// What a connection speaks, by the first bytes of each direction.
#include "signatures/protocol_detector.hpp"

#include <string>
#include <string_view>

#include <rapidcheck.h>

#include "signatures/protocol_probes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

using namespace lockstep::signatures;
using namespace std::string_view_literals;
using lockstep::test::span_of;

namespace {

constexpr auto to_server = Direction::to_server;
constexpr auto to_client = Direction::to_client;

struct Start {
  std::string_view bytes;
  AppProtocol protocol;
  std::size_t decided_by;  // bytes
  std::uint16_t port = 4000;
  Direction direction = to_server;
};

ProtocolDetector detector_of(const Start& start) {
  return ProtocolDetector(start.port);
}

const std::vector<Start>& starts() {
  using P = AppProtocol;
  static const std::vector<Start> all = {
      {"GET / HTTP/1.1\r\n"sv, P::http1, 4},
      {"get\t/"sv, P::http1, 4},
      {"PROPPATCH /a HTTP/1.0"sv, P::http1, 10},
      {"GETX / HTTP/1.1\r\nHost: a\r\n"sv, P::failed, 8},
      {"HTTP/1.1 200 OK\r\n"sv, P::http1, 8, 4000, to_client},
      {"HTTP/2.0 200 OK\r\n"sv, P::failed, 6, 4000, to_client},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, P::http2, 16},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, P::tls, 3},
      {"\x16\x03\x04\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00\x00\x00"sv, P::failed, 7},
      {"\x15\x03\x03\x00\x02"sv, P::tls, 3, 4000, to_client},
      {"\x80\x2e\x01\x00\x02\x00"sv, P::tls, 5},
      {"\x80\x2e\x01\x03\x01\x00"sv, P::tls, 5, 443},
      {"SSH-2.0-OpenSSH_9.2\r\n"sv, P::ssh, 4},
      {"SSH-2.0-OpenSSH_9.2\r\n"sv, P::ssh, 4, 4000, to_client},
      {"EHLO client.example\r\n"sv, P::smtp, 4},
      {"QUIT\r\n"sv, P::smtp, 4},
      {"QUIT\r\n"sv, P::ftp, 4, 21},
      {"USER anonymous\r\n"sv, P::ftp, 5},
      {"USER anonymous\r\n"sv, P::pop3, 5, 110},
      {"220 (vsFTPd 3.0.3)\r\n"sv, P::ftp, 5, 4000, to_client},
      {"* OK IMAP4rev1 ready\r\n"sv, P::imap, 5, 4000, to_client},
      {"a001 CAPABILITY\r\n"sv, P::imap, 15},
      {"+OK ready\r\n"sv, P::pop3, 3, 110, to_client},
      {"+OK ready\r\n"sv, P::failed, 1, 4000, to_client},
      {"\x00\x00\x00\x54\xffSMB\x72"sv, P::smb, 8},
      {"\x00\x00\x00\x54\xfeSMB\x40"sv, P::smb, 8, 4000, to_client},
      {"\x81\x00\x00\x02xx\x00\x00\x00\x54\xffSMB\x72"sv, P::smb, 14, 139},
      {"\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00\x01\x00\x00\x00"sv, P::dcerpc, 16},
      {"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"sv, P::dns, 14, 53},
      {"\x00\x1d\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07"sv, P::dns, 14, 53, to_client},
      {"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07\x01\x02"sv, P::failed, 7, 5300},
      {"\x03\x00\x00\x13\x0e\xe0"sv, P::rdp, 1, 3389},
      {"\xff\xfd\x18"sv, P::telnet, 2, 23, to_client},
      {"\x00\x01\x00\x00\x00\x06\x01\x03"sv, P::modbus, 8, 502},
      {"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21"sv, P::dnp3, 10, 20000},
      {"\x65\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv,
       P::enip, 24, 44818},
      {"\x10\x0c\x00\x04MQTT"sv, P::mqtt, 2, 1883},
      {"RFB 003.008\n"sv, P::rfb, 4, 4000, to_client},
      {"\x00\x00\x00\x08\x04\xd2\x16\x2f"sv, P::pgsql, 8, 5432},
  };
  return all;
}

}  // namespace

TEST_CASE("the first bytes of a direction tell its protocol, whole and cut", "[signatures][protocol]") {
  for (const Start& start : starts()) {
    INFO(std::string(start.bytes) << " to port " << start.port);
    ProtocolDetector whole = detector_of(start);
    whole.take(start.direction, 0, span_of(start.bytes));
    CHECK(name(whole.of(start.direction)) == name(start.protocol));
    CHECK(whole.decided_at(start.direction) == start.decided_by);
    ProtocolDetector cut = detector_of(start);
    for (std::size_t at = 0; at < start.bytes.size(); ++at) {
      CHECK(cut.decided(start.direction) == (at >= start.decided_by));
      cut.take(start.direction, at, span_of(start.bytes.substr(at, 1)));
    }
    CHECK(cut.of(start.direction) == start.protocol);
    CHECK(cut.decided_at(start.direction) == start.decided_by);
  }
}

TEST_CASE("neither cut nor what follows changes the protocol", "[signatures][protocol]") {
  const bool holds = rc::check("cuts of a direction", [] {
    // A start that means something, damaged or not, and anything behind it.
    const Start start = starts()[*rc::gen::inRange<std::size_t>(0, starts().size())];
    std::string stream(start.bytes);
    const auto tail = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
    const auto keep = *rc::gen::inRange<std::size_t>(0, stream.size() + 1);
    stream = stream.substr(0, keep) + tail;
    const bool either = *rc::gen::arbitrary<bool>();
    ProtocolDetector whole(start.port, either);
    whole.take(start.direction, 0, span_of(stream));
    ProtocolDetector cut(start.port, either);
    for (std::size_t at = 0; at < stream.size();) {
      const auto length = *rc::gen::inRange<std::size_t>(1, stream.size() - at + 1);
      cut.take(start.direction, at, span_of(std::string_view(stream).substr(at, length)));
      at += length;
    }
    RC_ASSERT(cut.of(start.direction) == whole.of(start.direction));
    RC_ASSERT(cut.decided_at(start.direction) == whole.decided_at(start.direction));
  });
  CHECK(holds);
}

TEST_CASE("a direction that never decides is given up", "[signatures][protocol]") {
  ProtocolDetector detector(25);
  const std::string endless = "220 " + std::string(max_prefix, 'x');
  detector.take(to_client, 0, span_of(endless));
  CHECK(detector.of(to_client) == AppProtocol::failed);
  CHECK(detector.decided_at(to_client) == max_prefix);
}

TEST_CASE("a greeting of code 220 is what the client's words say, else what the port says",
          "[signatures][protocol]") {
  const auto greeting = span_of("220 mail.example.org ready\r\n");
  const auto after = [&](std::uint16_t port, std::string_view words) {
    ProtocolDetector detector(port);
    detector.take(to_client, 0, greeting);
    CHECK_FALSE(detector.decided(to_client));
    detector.take(to_server, 0, span_of(words));
    return detector.of(to_client);
  };
  CHECK(after(2525, "EHLO a\r\n") == AppProtocol::smtp);
  CHECK(after(2525, "FEAT\r\n") == AppProtocol::ftp);
  CHECK(after(25, "\x01\x02words that nobody knows") == AppProtocol::smtp);
  CHECK(after(21, "\x01\x02words that nobody knows") == AppProtocol::ftp);
  CHECK(after(2525, "\x01\x02words that nobody knows") == AppProtocol::failed);
  CHECK(after(2525, "SSH-2.0-x\r\n") == AppProtocol::failed);
}

TEST_CASE("what one side speaks opens the other side's probes on any port", "[signatures][protocol]") {
  ProtocolDetector detector(3110);
  detector.take(to_server, 0, span_of("EHLO a\r\n"));
  detector.take(to_client, 0, span_of("220-hello\r\n220 there\r\n"));
  CHECK(detector.of(to_client) == AppProtocol::smtp);
  CHECK(detector.flow() == AppProtocol::smtp);
}

TEST_CASE("the flow speaks what was recognised first, and fails when both directions did",
          "[signatures][protocol]") {
  ProtocolDetector detector(80);
  detector.take(to_client, 0, span_of("SSH-2.0-x\r\n"));
  detector.take(to_server, 0, span_of("GET / HTTP/1.1\r\n"));
  CHECK(detector.flow() == AppProtocol::ssh);
  CHECK(detector.seen(to_server).any_of(AppProtocol::http1));
  CHECK(detector.seen(to_server, 3).any_of(AppProtocol::ssh));
  CHECK_FALSE(detector.seen(to_server, 3).any_of(AppProtocol::http1));
  CHECK(detector.complete());

  ProtocolDetector unknown(80);
  unknown.take(to_server, 0, span_of("\x01\x02nothing that is known"));
  CHECK(unknown.flow() == AppProtocol::unknown);
  unknown.take(to_client, 0, span_of("nor this"));
  CHECK(unknown.flow() == AppProtocol::failed);
}

TEST_CASE("a direction with a gap before the decision fails", "[signatures][protocol]") {
  ProtocolDetector detector(80);
  detector.take(to_server, 0, span_of("GE"));
  detector.take(to_server, 12, span_of("T / HTTP/1.1"));
  CHECK(detector.of(to_server) == AppProtocol::failed);
  detector.take(to_client, 0, span_of("HTTP/1.1"));
  detector.take(to_client, 100, span_of("more"));
  CHECK(detector.of(to_client) == AppProtocol::http1);
}

TEST_CASE("where the server is a guess, both sides' patterns count", "[signatures][protocol]") {
  ProtocolDetector guess(4000, true);
  guess.take(to_server, std::uint64_t{1} << 40U, span_of("HTTP/1.1 200 OK\r\n"));
  CHECK(guess.of(to_server) == AppProtocol::http1);
  ProtocolDetector known(4000);
  known.take(to_server, 0, span_of("HTTP/1.1 200 OK\r\nServer"));
  CHECK(known.of(to_server) == AppProtocol::failed);
}
