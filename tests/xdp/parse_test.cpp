// The look at one frame (xdp/parse.h), compiled natively: beside the decoder, and where the first buffer ends
// before the frame does.
#include "xdp/parse.h"

#include <map>
#include <random>

#include "engine/kernel_verdicts.hpp"
#include "engine/reason.hpp"
#include "tests/support/catch.hpp"
#include "tests/xdp/frames.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

ls_packet parse(const Bytes& frame, std::size_t first_buffer) {
  ls_packet packet{};
  ls_parse(frame.data(), frame.data() + first_buffer, static_cast<std::uint32_t>(frame.size()), &packet);
  return packet;
}

ls_packet parse(const Bytes& frame) {
  return parse(frame, frame.size());
}

bool is_fault(std::uint32_t kind) {
  return kind >= LS_BAD_LENGTH;
}

reassembly::Reason fault_of(std::uint32_t kind) {
  const std::map<std::uint32_t, reassembly::Reason> faults{
      {LS_BAD_LENGTH, reassembly::Reason::ip_bad_header},
      {LS_BAD_HEADER, reassembly::Reason::tcp_bad_header},
      {LS_BAD_FLAGS, reassembly::Reason::tcp_bad_flags},
      {LS_LAND, reassembly::Reason::land}};
  return faults.at(kind);
}

// Options are the decoder's alone, and it reads them first.
bool is_of_options(reassembly::Reason reason) {
  return reason == reassembly::Reason::ip_bad_options || reason == reassembly::Reason::ip_source_route;
}

void check_endpoints(const ls_packet& packet, const reassembly::Segment& segment) {
  CHECK(packet.source_port == segment.source.port);
  CHECK(packet.destination_port == segment.destination.port);
  CHECK(packet.version == segment.ip.version);
  CHECK(std::equal(packet.address.bytes[0], packet.address.bytes[0] + 16,
                   segment.source.address.bytes.begin()));
  CHECK(std::equal(packet.address.bytes[1], packet.address.bytes[1] + 16,
                   segment.destination.address.bytes.begin()));
  for (std::size_t i = 0; i < LS_VLANS; ++i) CHECK(packet.vlan[i] == segment.vlan.ids[i]);
}

}  // namespace

TEST_CASE("what the look at a frame says the decoder says too", "[xdp][parse]") {
  std::mt19937 random(2718);
  const std::vector<Bytes> seeds = seed_frames();
  std::map<std::uint32_t, std::size_t> seen;
  for (int round = 0; round < 200'000; ++round) {
    Bytes frame = mutate(seeds[random() % seeds.size()], random);
    const ls_packet packet = parse(frame);
    ++seen[packet.kind];
    const auto decoded = reassembly::decode(frame_of(frame), {.verify_checksums = false});
    const auto* malformed = std::get_if<reassembly::Malformed>(&decoded);
    const auto* segment = std::get_if<reassembly::Segment>(&decoded);
    INFO(round << ", " << Catch::StringMaker<Bytes>::convert(frame));
    if (is_fault(packet.kind)) {
      REQUIRE(malformed != nullptr);
      if (!is_of_options(malformed->reason))
        REQUIRE(name(joined(malformed->reason)) == name(joined(fault_of(packet.kind))));
    } else if (packet.kind == LS_PASSES) {
      // No segment of any connection, and no piece of one.
      REQUIRE((std::holds_alternative<reassembly::Passed>(decoded) ||
               (malformed != nullptr && !malformed->segment)));
    } else if (packet.kind == LS_TCP) {
      if (segment != nullptr) check_endpoints(packet, *segment);
      REQUIRE((segment != nullptr || malformed != nullptr));
    }
  }
  for (const std::uint32_t kind : {LS_PASSES, LS_TCP, LS_UNCLEAR, LS_BAD_LENGTH, LS_BAD_HEADER, LS_BAD_FLAGS})
    CHECK(seen[kind] > 100);
}

TEST_CASE("a first buffer that ends early leaves a frame to the engine, and changes no other answer",
          "[xdp][parse]") {
  for (const Bytes& frame : seed_frames()) {
    const std::uint32_t whole = parse(frame).kind;
    for (std::size_t buffer = 14; buffer < frame.size(); ++buffer) {
      INFO(buffer << " of " << Catch::StringMaker<Bytes>::convert(frame));
      const std::uint32_t kind = parse(frame, buffer).kind;
      CHECK((kind == whole || kind == LS_UNCLEAR));
    }
  }
}
