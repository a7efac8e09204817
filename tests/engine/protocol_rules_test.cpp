// Rules that ask what a connection speaks, on whole connections.
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;

TEST_CASE("a rule for a protocol matches the packet that tells it, on any port",
          "[engine][rules][protocol]") {
  auto wire =
      Wire::established(with_rules("alert ssh any any -> any any (content:\"OpenSSH\"; sid:1;)\n"
                                   "alert http any any -> any any (content:\"OpenSSH\"; sid:2;)\n"));
  wire.client.sends("SSH-2.0-OpenSSH_9.2").passes().fires({1});
  wire.server.sends("SSH-2.0-OpenSSH_9.2").passes().fires({1});
}

TEST_CASE("what matched before the protocol was told fires when it is", "[engine][rules][protocol]") {
  auto wire = Wire::established(with_rules("drop smtp any any -> any any (content:\"ready\"; sid:1;)\n"));
  wire.server.sends("220 mail.example ready\r\n").passes().fires({});
  wire.client.sends("EHLO a\r\n").passes().fires({});
  wire.server.sends("250 ok\r\n").drops_flow(Reason::signature).fires({1});
}

TEST_CASE("a rule for a protocol without options matches each packet from then on",
          "[engine][rules][protocol]") {
  auto wire = Wire::established(with_rules("alert http any any -> any any (sid:1;)\n"));
  wire.client.sends("GE").passes().fires({});
  wire.client.sends("T / HTTP/1.1\r\n").passes().fires({1});
  wire.server.acks().passes().fires({1});
  wire.server.sends("HTTP/1.1 200 OK\r\n").passes().fires({1});
}

TEST_CASE("a drop rule for a protocol alone is for the connection", "[engine][rules][protocol]") {
  auto wire = Wire::established(with_rules("drop tls any any -> any any (sid:1;)\n"));
  wire.client.sends(std::string("\x16\x03\x01\x00\x05hello", 10)).drops_flow(Reason::signature).fires({1});
  wire.client.sends("more").drops(Reason::flow_dropped);
}

TEST_CASE("app-layer-protocol alone is judged once a direction, where its protocol is decided",
          "[engine][rules][protocol]") {
  auto wire = Wire::established(with_rules(
      "alert tcp any any -> any any (app-layer-protocol:http; sid:1;)\n"
      "alert tcp any any -> any any (app-layer-protocol:!http; sid:2;)\n"
      "alert tcp any any -> any any (app-layer-protocol:failed; sid:3;)\n"
      "alert tcp any any -> any any (app-layer-protocol:http,final; sid:4;)\n"
      "alert tcp any any -> any any (app-layer-protocol:http,to_server; flow:to_client; sid:5;)\n"));
  wire.client.sends("GET ").passes().fires({1, 4});
  wire.client.sends("/ HTTP/1.1\r\n").passes().fires({});
  wire.server.sends("\x01\x02 not http\r\n").passes().fires({2, 3, 4, 5});
}

TEST_CASE("a rule that writes a flowbit by protocol serves the rules behind it",
          "[engine][rules][protocol]") {
  auto wire = Wire::established(
      with_rules("alert http any any -> any any (flowbits:set,web; sid:1;)\n"
                 "alert tcp any any -> any any (flow:to_server; flowbits:isset,web; sid:2;)\n"));
  wire.client.sends("GET / HTTP/1.1\r\n").passes().fires({1, 2});
}
