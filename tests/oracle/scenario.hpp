// What the peer of the host does, as data: a list of steps, each a packet or something that an application
// does. Numbers are relative, and resolved when the step is taken, against what the peer has learnt from the
// host's answers by then. Values: a step can be left out or made simpler, and the rest still plays.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/oracle/kernel_host.hpp"
#include "tests/oracle/rules.hpp"
#include "tests/support/packet_builder.hpp"

namespace lockstep::oracle {

using test::Bytes;

// Where a sequence number counts from.
enum class From : std::uint8_t {
  isn,    // the peer's initial number: 0 is its SYN
  start,  // the first byte of its stream
  acked,  // what the host acknowledged last
  edge,   // the right edge of the host's window
  sack,   // the right edge of the highest block that the host SACKed
};

// Where an acknowledgment number counts from.
enum class Acks : std::uint8_t {
  next,  // what an honest peer would acknowledge: behind all that came in order
  isn,   // the host's initial number: 1 acknowledges its SYN
};

// In the order of reading.  NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct Step {
  enum class Kind : std::uint8_t {
    packet,
    catch_up,  // sends what of the stream the host lacks, `size` bytes a segment, as an honest peer would
    reads,     // the host's application reads
    writes,    // … writes `size` bytes
    half_closes,
    closes,
    pauses,        // `size` milliseconds of the wire's clock
    sleeps,        // `size` milliseconds of the host's clock
    reopens,       // a new connection of the same addresses and ports: the peer's numbers start at isn + seq
    connects,      // the host opens the connection
    keeps_urgent,  // the host's application asks for urgent bytes in line (SO_OOBINLINE)
  };
  Kind kind = Kind::packet;
  std::uint32_t size = 0;

  From from = From::start;
  std::int64_t seq = 0;
  Acks acks = Acks::next;
  std::int64_t ack = 0;
  int flags = 16;
  std::string payload{};
  std::optional<std::uint16_t> window{};
  std::uint16_t urgent = 0;
  bool timestamps = true;        // if the connection has them
  std::int32_t value_delta = 0;  // added to the TSval that an honest peer would send
  std::int32_t echo_delta = 0;
  Bytes options{};  // in front of the usual ones
  std::uint8_t reserved = 0;
  bool bad_checksum = false;
  bool bad_ip_checksum = false;
  std::int8_t data_offset = 0;  // added to the header's true length in words
  std::int16_t ip_length = 0;   // added to the true length
  Bytes ip_options{};
  std::optional<std::uint8_t> ttl{};
  std::uint8_t tos = 0;
  std::string trailer{};                 // behind the IP packet's end
  std::vector<std::size_t> fragments{};  // sizes; empty: not cut
  enum class Pieces : std::uint8_t { in_order, reversed, twice, overlapping, first_missing, two_ends };
  Pieces pieces = Pieces::in_order;

  bool lost = false;               // behind the engine: it forwarded the packet, the host never gets it
  bool lost_before = false;        // in front of it: nobody gets it
  bool answers_lost = false;       // what the host answers reaches neither the engine nor the peer
  bool answers_lost_late = false;  // it reaches the engine, and not the peer
  std::size_t known =
      0;  // the first so many bytes of the payload are those of the stream there, behind its end '~'
  bool as_host = false;  // from the peer's side in the host's name: `from` and `seq` are what it acknowledges
  bool forged = false;   // somebody else sends it in the peer's name
};

struct Scenario {
  std::uint64_t seed = 0;
  std::string family;  // what the generator had in mind, for reports
  bool ipv6 = false;
  bool host_connects = false;  // mirrored: the hostile peer is the server
  Service service = Service::plain;
  bool timestamps = true;
  bool sack = true;
  std::optional<std::uint8_t> window_scale{7};
  std::uint32_t isn = 1000;
  std::string stream;   // what the peer wants the host to read
  bool honest = false;  // the peer is honest; the forged steps are such as the host refuses
  bool tight = true;    // of a hostile peer the engine keeps few holes, so that scenarios meet that limit
  std::vector<Step> steps;
};

[[nodiscard]] std::string to_string(const Step& step);
[[nodiscard]] std::string to_string(const Scenario& scenario);

}  // namespace lockstep::oracle
