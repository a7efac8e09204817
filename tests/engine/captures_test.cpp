// The committed captures of real traffic, through reader, decoder and fragment table.
#include <filesystem>
#include <map>

#include "engine/ports/capture_reader.hpp"
#include "reassembly/fragments.hpp"
#include "reassembly/wire.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep::reassembly;
using lockstep::CaptureReader;
using lockstep::test::Bytes;
using lockstep::test::checksums_right;

namespace {

struct Counts : FragmentSink {
  int segments = 0, fragments = 0, passed = 0, sent = 0;
  std::size_t payload = 0;
  std::map<std::string, int> wrong;

  void send(std::span<std::uint8_t>, const HeldFrame&) override { ++sent; }
  void drop(const HeldFrame&, Reason reason) override { ++wrong[std::string(name(reason))]; }

  void take(const Frame& frame, const Segment& segment) {
    ++segments;
    payload += segment.payload.size();
    if (!checksums_right(Bytes(frame.bytes.begin(), frame.bytes.end()), segment)) ++wrong["checksum"];
  }
};

Counts count(const std::string& path) {
  Counts counts;
  auto reader = CaptureReader::open({path});
  REQUIRE(reader);
  FragmentTable table({});
  std::vector<Frame> batch(64);
  for (;;) {
    const auto got = reader->receive(batch);
    REQUIRE(got);
    if (*got == 0) break;
    for (const Frame& frame : std::span(batch).first(*got)) {
      const Decoded decoded = decode(frame, {});
      if (const auto* segment = std::get_if<Segment>(&decoded)) counts.take(frame, *segment);
      if (const auto* malformed = std::get_if<Malformed>(&decoded)) {
        ++counts.wrong[std::string(name(malformed->reason))];
      }
      if (std::holds_alternative<Passed>(decoded)) ++counts.passed;
      const auto* fragment = std::get_if<Fragment>(&decoded);
      if (fragment == nullptr) continue;
      ++counts.fragments;
      const auto answer = table.add(frame, *fragment, {}, counts);
      if (answer.fate == FragmentAnswer::Fate::dropped) ++counts.wrong[std::string(name(answer.reason))];
      if (answer.fate != FragmentAnswer::Fate::complete) continue;
      counts.take(table.datagram(), std::get<Segment>(table.decoded()));
      table.refragment(counts);
    }
  }
  CHECK(reader->take_warnings().empty());
  CHECK(table.frames() == 0);
  return counts;
}

}  // namespace

TEST_CASE("no frame of the captures is malformed and every checksum is right", "[engine][captures]") {
  std::size_t captures = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/pcaps")) {
    if (entry.path().extension() != ".pcap") continue;
    INFO(entry.path());
    ++captures;
    const Counts counts = count(entry.path());
    CHECK(counts.wrong.empty());
    CHECK(counts.segments >= 2);
    CHECK(counts.sent == counts.fragments);
  }
  CHECK(captures >= 15);
}

TEST_CASE("crafted captures carry what they were crafted from", "[engine][captures]") {
  const auto from =
      GENERATE(as<std::pair<std::string, std::string>>(), std::pair("http-get-v4", "crafted-fragments-v4"),
               std::pair("http-get-v6", "crafted-fragments-v6"), std::pair("echo-v4", "crafted-vlan"),
               std::pair("echo-v4", "crafted-qinq"));
  const Counts original = count("tests/pcaps/" + from.first + ".pcap");
  const Counts crafted = count("tests/pcaps/" + from.second + ".pcap");
  CHECK(crafted.segments == original.segments);
  CHECK(crafted.payload == original.payload);
  CHECK(crafted.passed == original.passed);
  CHECK((crafted.fragments > 0) == (from.second.find("fragments") != std::string::npos));
}
