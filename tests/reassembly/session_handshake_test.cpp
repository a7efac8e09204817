#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("payload on a SYN is stripped, and the stream starts behind the SYN", "[handshake][H01]") {
  Wire wire(anywhere());
  wire.client.sends("EVIL", {.seq = 0, .flags = static_cast<int>(TcpFlag::syn)})
      .passes_as(Reason::syn_stripped)
      .carries("");
  wire.server.syn_acks({.ack = 1}).passes();
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
}

TEST_CASE("the Fast Open option goes out as padding", "[handshake][H02][rfc7413]") {
  Wire wire(anywhere());
  wire.client.syns({.options = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}}).passes_as(Reason::syn_stripped);
}

TEST_CASE("MP_CAPABLE is removed and MP_JOIN refused", "[handshake][H35][rfc8684]") {
  Wire wire(anywhere());
  wire.client.syns({.options = {30, 4, 0x01, 0x81}})
      .passes_as(Reason::mptcp_stripped)
      .raises(StreamEvent::mptcp);
  Wire other(anywhere());
  other.client.syns({.options = {30, 12, 0x10, 1, 0, 0, 0, 1, 0, 0, 0, 2}}).drops(Reason::mptcp_join);
}

TEST_CASE("a SYN with URG, PSH or a stray ACK number goes out without them", "[handshake][H06][H09]") {
  Wire wire(anywhere());
  wire.client.syns({.flags = TcpFlag::syn | TcpFlag::urg | TcpFlag::psh})
      .passes_as(Reason::syn_stripped)
      .leaves_flags("S");
  wire.client.syns({.ack = 12345}).passes_as(Reason::syn_stripped).raises(StreamEvent::pkt_broken_ack);
}

TEST_CASE("fragments of which nothing is left are not told to have left", "[handshake][fragments][L7]") {
  Wire wire(anywhere());
  wire.client.sends(std::string(200, 'x'), {.seq = 0, .flags = TcpFlag::syn, .fragment = 40})
      .leaves_flags("S");
}

TEST_CASE("of several SYNs the SYN-ACK tells which one counts", "[handshake][H08]") {
  Wire wire(anywhere());
  wire.as_client().syns({.isn = 42}).passes();
  wire.client.syns().passes();
  wire.as_client().syns({.isn = 43}).passes();
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("decoy SYNs are capped and never push out the first", "[handshake][H08]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  for (std::uint32_t isn = 1; isn <= 3; ++isn) wire.as_client().syns({.isn = isn}).passes();
  wire.as_client().syns({.isn = 4}).drops(Reason::syn_limit);
  wire.server.syn_acks().passes();
}

TEST_CASE("a SYN-ACK must acknowledge a SYN", "[handshake][H11]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.as_server()
      .syn_acks({.ack = 101})
      .drops(Reason::synack_bad_ack)
      .raises(StreamEvent::whs_synack_with_wrong_ack);
  wire.server.syn_acks().passes();
}

TEST_CASE("of two SYN-ACKs the client's ACK tells which one counts", "[handshake][H10]") {
  auto options = anywhere();
  Wire wire(options);
  wire.client.syns().passes();
  wire.as_server().syn_acks({.isn = 31337}).passes();
  wire.server.syn_acks().passes();
  wire.as_server().syn_acks({.isn = 31338}).drops(Reason::synack_changed);
  wire.client.acks().passes();
  wire.server.sends("banner").passes().delivers("banner");
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("data before the handshake is complete is refused", "[handshake][H19][H20]") {
  auto options = anywhere();
  options.configure = [](PipelineConfig& config) { config.session.async_oneside = false; };
  Wire wire(options);
  wire.client.syns().passes();
  wire.as_client().sends("EARLY", {.seq = 1}).drops(Reason::data_before_handshake);
  wire.server.syn_acks().passes();
  wire.as_server().sends("EARLY", {.seq = 1}).drops(Reason::data_before_handshake);
  wire.as_client()
      .sends("EVIL", {.seq = 1, .flags = static_cast<int>(TcpFlag::psh)})
      .drops(Reason::no_ack_flag);
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
}

TEST_CASE("a wrong acknowledgment completes nothing", "[handshake][H21]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.as_client().sends("EVIL", {.seq = 1, .ack = 501}).drops(Reason::handshake_bad_ack);
  wire.as_server().resets({.seq = 501}).drops(Reason::rst_in_handshake);
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
}

TEST_CASE("the last ACK must echo a timestamp of a SYN-ACK", "[handshake][H22][H34]") {
  Wire wire({.timestamps = true});
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.as_client().sends("EVIL", {.seq = 1, .tsecr = 7}).drops(Reason::handshake_bad_echo);
  wire.as_client().sends("EVIL", {.seq = 1, .tsval = 0xD4A00000U}).drops(Reason::paws_old);
  wire.client.acks({.tsecr = 0xD4A51002U}).passes();
}

TEST_CASE("timestamps offered and not answered are off", "[handshake][H30]") {
  Wire wire({.timestamps = true});
  wire.client.syns().passes();
  wire.server.syn_acks({.no_timestamps = true}).passes();
  wire.client.acks({.no_timestamps = true}).passes();
  wire.client.sends("GOOD", {.no_timestamps = true}).passes().delivers("GOOD");
}

TEST_CASE("a reset during the handshake counts only where the host would take it",
          "[handshake][H13][H23][H24][H25]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.as_server().resets({.seq = 0}).drops(Reason::rst_in_handshake);
  wire.as_server()
      .resets({.seq = 0, .ack = 9, .flags = TcpFlag::rst | TcpFlag::ack})
      .drops(Reason::rst_in_handshake);
  wire.server.syn_acks().passes();
  wire.as_client().resets({.seq = 101}).drops(Reason::rst_in_handshake);
  wire.as_client().resets({.seq = -99}).drops(Reason::rst_in_handshake);
  wire.client.acks().passes();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("in SYN-SENT a host takes nothing whose TSecr is not its own", "[handshake][H13][rfc7323]") {
  WireOptions options = anywhere();
  options.timestamps = true;
  Wire wire(options);
  wire.client.syns().passes();
  wire.as_server()
      .resets({.seq = 0,
               .ack = 1,
               .flags = TcpFlag::rst | TcpFlag::ack,
               .options = {1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 7}})
      .drops(Reason::rst_in_handshake)
      .raises(StreamEvent::pkt_invalid_timestamp);
  wire.as_server()
      .fins({.seq = 0, .ack = 1, .tsval = 100, .tsecr = 7})
      .drops(Reason::data_before_handshake)
      .raises(StreamEvent::pkt_invalid_timestamp);
  wire.as_client().resets({.seq = 1}).passes();  // what the client would have answered
  CHECK(wire.pipeline().half_open().size() == 1);
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("SYN-ACKs whose TSecr the client refuses leave room for the one that it takes",
          "[handshake][H10][rfc7323]") {
  WireOptions options = anywhere();
  options.timestamps = true;
  Wire wire(options);
  wire.client.syns({.tsval = 5000}).passes();
  wire.client.syns({.tsval = 6000}).passes();
  for (const std::uint32_t echo : {4999U, 6001U, 105'000U}) {
    wire.as_server()
        .syn_acks({.tsval = 100, .tsecr = echo, .isn = 31337 + echo})
        .drops(Reason::synack_bad_echo)
        .raises(StreamEvent::pkt_invalid_timestamp);
  }
  const std::uint32_t echo = GENERATE(5000U, 6000U, 0U);
  wire.server.syn_acks({.tsecr = echo}).passes();
  wire.client.acks({.tsval = 6001}).passes();
  wire.client.sends("GOOD", {.tsval = 6002}).passes().delivers("GOOD");
}

TEST_CASE("a forged SYN with another timestamp takes nothing from the answer to the client's",
          "[handshake][H08][rfc7323]") {
  WireOptions options = anywhere();
  options.timestamps = true;
  Wire wire(options);
  wire.client.syns({.tsval = 5000}).passes();
  wire.client.syns({.tsval = 6000}).passes();
  wire.as_client().syns({.tsval = GENERATE(1U, 5001U, 6001U)}).passes();
  wire.server.syn_acks({.tsecr = 6000}).passes();
  wire.client.acks({.tsval = 6001}).passes();
}

TEST_CASE("a refused connection is forgotten", "[handshake][H13]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.resets({.seq = 0, .ack = 1, .flags = TcpFlag::rst | TcpFlag::ack}).passes();
  CHECK(wire.pipeline().half_open().size() == 0);
}

TEST_CASE("a SYN from the side that was asked is refused: no split handshake", "[handshake][H14][H16]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.syns().drops(Reason::syn_from_listener);
}

TEST_CASE("a window scale above 14 goes out as 14", "[handshake][H29][rfc7323-2.3]") {
  Wire wire({.window_scale = 15});
  wire.client.syns().passes_as(Reason::syn_stripped);
}

TEST_CASE("a host that still holds an old connection answers with an ACK, and the client's reset passes",
          "[handshake][rfc9293-3.5.1]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.acks({.seq = 7000, .ack = 9000}).passes();
  wire.client.resets({.seq = 9000}).passes();
}

TEST_CASE("a new connection with the old initial number begins with the server's new SYN-ACK",
          "[session][handshake][C10]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("old").passes();
  wire.as_server().resets({.seq = 1}).passes();
  wire.client.syns().passes();
  wire.server.syn_acks({.isn = 99'000}).passes();
  wire.client.sends("new", {.seq = 1}).passes().delivers("new");
}

// A server that answers with SYN cookies holds nothing until the last ACK; neither need we.
TEST_CASE("a connection of which no SYN was kept begins with its SYN-ACK", "[handshake][H31]") {
  Wire wire(anywhere());
  wire.server.syn_acks({.ack = 1}).passes();
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers("GOOD");
}

TEST_CASE("a repeated SYN may draw another cookie: the last ACK tells which one counts", "[handshake][H31]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.syns().passes();
  wire.server.syn_acks({.isn = 99'000'000}).passes();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("a client that resets a stray ACK still awaits its SYN-ACK",
          "[session][handshake][rfc9293-3.10.7.3][L4]") {
  Wire wire({.client_isn = GENERATE(any_isn()), .server_isn = GENERATE(any_isn())});
  wire.client.syns().passes();
  wire.as_server()
      .acks({.seq = 5000, .ack = 777})
      .passes();  // forged: a host that still held an old one would say so
  wire.as_client().resets({.seq = 777}).passes();
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  CHECK_FALSE(wire.flow().session.adopted());
  wire.client.sends("GET /").passes().delivers("GET /");
  wire.as_server().acks({.seq = 90'000, .ack = 100'000'000}).drops(Reason::ack_of_unsent);
  wire.server.acks().passes();
  wire.server.sends("answer").passes().delivers("answer");
}
