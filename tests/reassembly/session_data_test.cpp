#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("data in order is delivered as it comes", "[session][data]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GET /").passes().delivers("GET /");
  wire.server.acks().passes().delivers_nothing();
  wire.server.sends("200 OK").passes().delivers("200 OK");
  wire.client.sends(" HTTP/1.1").passes().delivers(" HTTP/1.1");
}

TEST_CASE("out-of-order data is forwarded, and delivered when the hole is filled", "[session][data][O10]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("5678", {.seq = 5}).passes().delivers_nothing();
  wire.client.sends("cd", {.seq = 11}).passes().delivers_nothing();
  wire.client.sends("1234", {.seq = 1}).passes().delivers("12345678");
  wire.client.sends("ab", {.seq = 9}).passes().delivers("abcd");
}

TEST_CASE("a differing retransmission goes out with the bytes first forwarded", "[session][overlap][O07]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GOOD").passes().delivers("GOOD");
  wire.as_client()
      .sends("EVIL", {.seq = 1})
      .passes_as(Reason::overlap_rewritten)
      .delivers_nothing()
      .carries("GOOD")
      .raises(StreamEvent::reassembly_overlap_different_data);
  wire.as_client()
      .sends("EVILmore", {.seq = 1})
      .passes_as(Reason::overlap_rewritten)
      .carries("GOODmore")
      .delivers("more");
}

TEST_CASE("an equal retransmission passes as it is", "[session][data][O17]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GOOD").passes();
  wire.client.sends("GOOD", {.seq = 1}).passes().delivers_nothing().raises(StreamEvent::pkt_retransmission);
  wire.server.acks().passes();
  wire.client.sends("GOOD", {.seq = 1})
      .passes()
      .delivers_nothing()
      .raises(StreamEvent::pkt_spurious_retransmission);
}

TEST_CASE(
    "a repeat of acknowledged bytes passes whatever it says: the host can't deliver it, and its ACK may be "
    "needed",
    "[session][data][D15][section0-9]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("GOOD").passes();
  wire.server.acks().passes();
  wire.as_client().sends("EVIL", {.seq = 1}).passes().delivers_nothing();
  wire.client.sends("x", {.seq = 4}).passes().delivers_nothing();  // a keep-alive with a byte (D17)
  wire.client.acks({.seq = 4}).passes().delivers_nothing();        // and without
  wire.client.sends("more").passes().delivers("more");
}

TEST_CASE("in-order data that contradicts a copy sent ahead of a hole resets both ends",
          "[session][overlap][O03][section0-11]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("EVIL", {.seq = 5}).passes().delivers_nothing();
  wire.client.sends("GET GOOD", {.seq = 1})
      .drops_flow(Reason::overlap_conflict)
      .delivers_nothing()
      .causes_resets(2);
  wire.client.sends("more", {.seq = 9}).drops(Reason::flow_dropped).delivers_nothing();
}

TEST_CASE("two copies ahead of a hole that differ reset both ends", "[session][overlap][O04][O05]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("AAAA", {.seq = 5}).passes();
  wire.client.sends("BBBBBBBB", {.seq = 5}).drops_flow(Reason::overlap_conflict).causes_resets(2);
}

TEST_CASE("what straddles the left edge is trimmed on the left and keeps the rest", "[session][data][D16]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("abc").passes();
  wire.server.acks().passes();
  wire.client.sends("xxxGOOD", {.seq = 1})
      .passes_as(Reason::trimmed_left)
      .carries("GOOD")
      .leaves_seq(4)
      .delivers("GOOD");
}

TEST_CASE("the packet that completes the handshake may straddle the SYN", "[session][handshake][D16]") {
  Wire wire(anywhere());
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.sends("xxxxGOOD", {.seq = -3}).passes_as(Reason::trimmed_left).carries("GOOD").delivers("GOOD");
}

TEST_CASE("data beyond the right edge is cut off there", "[session][window][D19]") {
  auto wire = Wire::established({.window = 100});
  wire.client.sends(std::string(150, 'a'))
      .passes_as(Reason::trimmed_right)
      .carries(std::string(100, 'a'))
      .delivers(std::string(100, 'a'));
  wire.client.sends("b", {.seq = 102}).drops(Reason::beyond_window);
}

TEST_CASE("the right edge never moves left", "[session][window][D21]") {
  auto wire = Wire::established({.window = 1000});
  wire.as_server().acks({.window = 1}).passes();
  wire.client.sends(std::string(1000, 'a')).passes().delivers(std::string(1000, 'a'));
}

TEST_CASE("at a closed window the first byte is a probe: stored, delivered and sent",
          "[session][window][D20]") {
  auto wire = Wire::established({.window = 4});
  wire.client.sends("GOOD").passes();
  wire.server.acks({.window = 0}).passes();
  wire.client.sends("xyz", {.seq = 5}).passes_as(Reason::trimmed_right).carries("x").delivers("x");
  wire.client.sends("y", {.seq = 6}).drops(Reason::beyond_window);
  wire.server.acks({.ack = 6, .window = 100}).passes();
  wire.client.sends("yz", {.seq = 6}).passes().delivers("yz");
}

TEST_CASE("a segment without ACK is not taken", "[session][D01][rfc9293-3.10.7.4]") {
  auto wire = Wire::established(anywhere());
  const int flags = GENERATE(0, static_cast<int>(TcpFlag::psh), static_cast<int>(TcpFlag::urg),
                             static_cast<int>(TcpFlag::fin));
  wire.as_client().sends("EVIL", {.flags = flags}).drops(Reason::no_ack_flag).delivers_nothing();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("an ACK of what was never sent takes its data with it", "[session][D02][D29][rfc5961-5]") {
  auto wire = Wire::established(anywhere());
  wire.as_client().sends("EVIL", {.ack = 2}).drops(Reason::ack_of_unsent).delivers_nothing();
  wire.client.sends("GOOD").passes().delivers("GOOD");
  wire.as_server().acks({.ack = 100}).drops(Reason::ack_of_unsent);
}

TEST_CASE("an ACK far too old is refused, one within the acknowledged bytes is data",
          "[session][D03][rfc5961-5]") {
  auto wire = Wire::established(anywhere());
  wire.server.sends("0123456789").passes();
  wire.client.acks().passes();
  wire.as_client().sends("EVIL", {.ack = -1000}).drops(Reason::ack_too_old);
  wire.client.sends("GOOD", {.ack = 5}).passes().delivers("GOOD");
}

TEST_CASE("PAWS refuses a timestamp older by more than one tick", "[session][D04][rfc7323-5]") {
  auto wire = Wire::established({.client_isn = GENERATE(any_isn()), .timestamps = true});
  wire.client.sends("GOOD", {.tsval = 0xD4A00000U}).drops(Reason::paws_old);
  wire.client.sends("GO").passes();
  wire.client.sends("OD").passes();
}

TEST_CASE("a timestamp one tick old is data", "[session][D04][rfc7323-5]") {
  auto wire = Wire::established({.timestamps = true});
  wire.client.sends("GO", {.tsval = 0xD4B00010U}).passes();
  wire.as_client().sends("OD", {.seq = 3, .tsval = 0xD4B0000EU}).drops(Reason::paws_old);
  wire.client.sends("OD", {.tsval = 0xD4B0000FU}).passes().delivers("OD");
}

TEST_CASE("data without a timestamp on a connection that has them is refused",
          "[session][D05][rfc7323-3.2]") {
  auto wire = Wire::established({.timestamps = true});
  wire.as_client().sends("EVIL", {.no_timestamps = true}).drops(Reason::timestamp_missing);
}

TEST_CASE("a bad checksum never reaches the store", "[session][D08][O08]") {
  auto wire = Wire::established(anywhere());
  wire.as_client().sends("EVIL", {.tcp_checksum = 0xbad}).drops(Reason::tcp_bad_checksum).delivers_nothing();
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("an MD5 or AO option that was not negotiated is refused", "[session][D09][D10]") {
  auto wire = Wire::established(anywhere());
  Bytes md5{19, 18};
  md5.resize(18, 0xaa);
  wire.as_client()
      .sends("EVIL", {.options = md5})
      .drops(Reason::md5_unasked)
      .raises(StreamEvent::unasked_authentication);
  wire.as_client().sends("EVIL", {.options = {29, 4, 1, 1}}).drops(Reason::ao_unasked);
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("a repeat of acknowledged bytes loses its urgent pointer, which would point at later ones",
          "[session][urgent][U02][O17]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("ABCDEF").passes();
  wire.server.acks().passes();
  wire.as_client()
      .sends("F", {.seq = 6, .flags = TcpFlag::ack | TcpFlag::urg, .urgent = 2})
      .passes_as(Reason::urgent_cleared)
      .leaves_flags("A")
      .leaves_seq(6)
      .carries("F");
  wire.as_client().sends("F", {.seq = 6, .urgent = 2}).passes_as(Reason::urgent_cleared);
  wire.as_client().sends("F", {.seq = 6}).passes();
}

TEST_CASE("the urgent pointer is cleared and its byte stays in line", "[session][urgent][U01][U03]") {
  auto wire = Wire::established(anywhere());
  const std::uint16_t pointer = static_cast<std::uint16_t>(GENERATE(0, 1, 3, 6, 7));
  wire.client.sends("ABCDEF", {.flags = TcpFlag::ack | TcpFlag::urg, .urgent = pointer})
      .passes_as(Reason::urgent_cleared)
      .carries("ABCDEF")
      .leaves_flags("A")
      .delivers("ABCDEF");
  wire.client.sends("GHI", {.urgent = 3}).passes_as(Reason::urgent_cleared).delivers("GHI");
}

TEST_CASE("holes are bounded, and the data that would make one more comes again", "[session][budget][O12]") {
  auto wire =
      Wire::established({.configure = [](PipelineConfig& config) { config.session.max_islands = 3; }});
  for (int i = 1; i <= 3; ++i) wire.client.sends("x", {.seq = 1 + 2 * i}).passes();
  wire.client.sends("x", {.seq = 9}).drops(Reason::out_of_order_limit);
  wire.client.sends("ab", {.seq = 1}).passes().delivers("abx");
  wire.client.sends("x", {.seq = 9}).passes();
}

TEST_CASE("a SYN inside a connection passes without payload, now and then, and changes nothing",
          "[session][syn][D14][rfc5961-4]") {
  auto wire = Wire::established(anywhere());
  wire.as_client()
      .sends("EVIL", {.seq = 1, .flags = TcpFlag::syn})
      .passes_as(Reason::syn_stripped)
      .carries("")
      .delivers_nothing();
  wire.as_client().sends("EVIL", {.seq = 5000, .flags = TcpFlag::syn}).drops(Reason::syn_in_connection);
  wire.client.sends("GOOD").passes().delivers("GOOD");
}

TEST_CASE("a hole that stays open too long resets both ends", "[session][budget][hole]") {
  auto wire = Wire::established(anywhere());
  wire.client.sends("x", {.seq = 5}).passes();
  wire.wait(std::chrono::seconds(62));
  CHECK(wire.resets() == 2);
}

TEST_CASE("a window probe passes again until it is answered: it, or its ACK, may have got lost behind us",
          "[session][window][rfc9293-3.8.6.1]") {
  auto wire = Wire::established({.client_isn = GENERATE(any_isn()), .window = 4});
  wire.client.sends("GOOD").passes();
  wire.server.acks({.window = 0}).passes();
  wire.client.sends("p").passes().delivers("p");
  wire.as_client().sends("p", {.seq = 5}).passes().delivers_nothing();
  wire.as_client().sends("pq", {.seq = 5}).passes_as(Reason::trimmed_right).carries("p");
  wire.as_client().sends("P", {.seq = 5}).passes_as(Reason::overlap_rewritten).carries("p");
  wire.as_client().sends("q", {.seq = 6}).drops(Reason::beyond_window);
}

TEST_CASE("what is kept of a long transfer is what is not acknowledged, and never more than the window",
          "[session][data][memory]") {
  auto wire = Wire::established(anywhere());
  constexpr std::int64_t length = 1400;
  constexpr std::int64_t window = 65535;
  constexpr auto block = static_cast<std::int64_t>(reassembly::Block::size);
  // Segments under way; the last fill the window.
  const std::int64_t lag = GENERATE(0, 1, 7, window / length - 1);
  for (std::int64_t i = 1; i <= 400; ++i) {
    wire.client.sends(std::string(length, static_cast<char>('a' + i % 26)), {}).passes();
    const std::int64_t acked = std::max<std::int64_t>(i - lag, 0) * length;
    if (acked > 0) wire.as_server().acks({.ack = 1 + acked}).passes();
    const auto& bytes = wire.flow().session.receiver(reassembly::Direction::to_server).bytes;
    REQUIRE(bytes.in_order() == i * length);
    REQUIRE(bytes.in_order() - bytes.kept_from() == i * length - acked);
    const auto held = static_cast<std::int64_t>(wire.pipeline().gauges().stream_memory);
    REQUIRE(held <= i * length - acked + 2 * block);
    REQUIRE(held <= window + 2 * block);
  }
  CHECK((lag > 0 || wire.pipeline().gauges().stream_memory == 0));
}
