#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <thread>

#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/ports/capture_port.hpp"
#include "reassembly/wire.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/packet_builder.hpp"

using namespace lockstep;
using namespace lockstep::test;
namespace fs = std::filesystem;

namespace {

// A directory of its own, gone at the end of the test.
struct Scratch {
  fs::path path;

  Scratch() {
    std::string name = (fs::temp_directory_path() / "lockstep-capture-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Scratch() { fs::remove_all(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path / name).string(); }
};

void put_bytes(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), long(bytes.size()));
}

Bytes get_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename Word>
void append(Bytes& out, Word word) {
  for (std::size_t i = 0; i < sizeof word; ++i) out.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
}

struct Record {
  std::uint32_t seconds = 0, fraction = 0;
  Bytes bytes;
  std::uint32_t wire_length = 0;
};

// pcap as its specification has it, little-endian; not with the library under test.
Bytes pcap_file(std::uint32_t link, const std::vector<Record>& records, std::uint32_t magic = 0xa1b2c3d4) {
  Bytes out;
  append(out, magic);
  append(out, std::uint32_t{0x00040002});
  append(out, std::uint64_t{0});
  append(out, std::uint32_t{262144});
  append(out, link);
  for (const Record& record : records) {
    append(out, record.seconds);
    append(out, record.fraction);
    append(out, static_cast<std::uint32_t>(record.bytes.size()));
    append(out, std::max(record.wire_length, static_cast<std::uint32_t>(record.bytes.size())));
    out.insert(out.end(), record.bytes.begin(), record.bytes.end());
  }
  return out;
}

void append_block(Bytes& out, std::uint32_t type, Bytes body) {
  body.resize((body.size() + 3) / 4 * 4);
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  append(out, type);
  append(out, length);
  out.insert(out.end(), body.begin(), body.end());
  append(out, length);
}

// pcapng with one interface for each of `links`, each of another snapshot length, and a packet on each.
Bytes pcapng_file(const std::vector<std::uint16_t>& links, const Bytes& packet, std::uint64_t stamp,
                  std::uint8_t resolution = 9, std::int64_t offset = 0) {
  Bytes out, section;
  append(section, std::uint32_t{0x1a2b3c4d});
  append(section, std::uint32_t{1});
  append(section, ~std::uint64_t{0});
  append_block(out, 0x0a0d0d0a, section);
  append_block(out, 4, Bytes(2000000, 7));  // a block of no interest, longer than any buffer
  std::uint32_t interfaces = 0;
  for (const std::uint16_t link : links) {
    Bytes interface;
    append(interface, link);
    append(interface, std::uint16_t{0});
    append(interface, static_cast<std::uint32_t>(65536 + interfaces++));
    append(interface, std::uint32_t{0x00010009});  // if_tsresol, one byte
    append(interface, std::uint32_t{resolution});
    append(interface, std::uint32_t{0x0008000e});  // if_tsoffset
    append(interface, offset);
    append(interface, std::uint32_t{0});
    append_block(out, 1, interface);
  }
  for (std::uint32_t i = 0; i < links.size(); ++i) {
    Bytes body;
    append(body, i);
    append(body, static_cast<std::uint32_t>(stamp >> 32));
    append(body, static_cast<std::uint32_t>(stamp));
    append(body, static_cast<std::uint32_t>(packet.size()));
    append(body, static_cast<std::uint32_t>(packet.size()));
    body.insert(body.end(), packet.begin(), packet.end());
    append_block(out, 6, body);
  }
  return out;
}

struct Read {
  std::vector<Bytes> packets;
  std::vector<Frame> frames;
  std::vector<std::string> warnings;
  std::string error;
};

Read read_all(CaptureReader& reader, std::size_t batch_size = 7) {
  Read read;
  std::vector<Frame> batch(batch_size);
  for (;;) {
    const auto count = reader.receive(batch);
    if (!count) {
      read.error = count.error();
      break;
    }
    if (*count == 0) break;
    for (std::size_t i = 0; i < *count; ++i) {
      read.packets.emplace_back(batch[i].bytes.begin(), batch[i].bytes.end());
      read.frames.push_back(batch[i]);
    }
  }
  read.warnings = reader.take_warnings();
  return read;
}

Read read_all(const std::vector<std::string>& paths) {
  auto reader = CaptureReader::open(paths);
  if (!reader) {
    Read read;
    read.error = reader.error();
    return read;
  }
  return read_all(*reader);
}

Timestamp at(std::int64_t nanoseconds) {
  return Timestamp(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace

TEST_CASE("every link type that is supported leads to its segment", "[engine][capture]") {
  struct Kind {
    std::uint32_t number;
    LinkType link;
  };
  const auto kind = GENERATE(
      Kind{1, LinkType::ethernet}, Kind{101, LinkType::raw_ip}, Kind{12, LinkType::raw_ip},
      Kind{14, LinkType::raw_ip}, Kind{228, LinkType::raw_ip}, Kind{113, LinkType::linux_sll},
      Kind{276, LinkType::linux_sll2}, Kind{0, LinkType::null_loopback}, Kind{108, LinkType::null_loopback});
  const Scratch scratch;
  put_bytes(scratch / "a.pcap",
            pcap_file(kind.number, {{5, 6, build_packet({.link = kind.link, .payload = "x"})}}));
  const Read read = read_all({scratch / "a.pcap"});
  CHECK(read.error.empty());
  REQUIRE(read.frames.size() == 1);
  CHECK(read.frames[0].link == kind.link);
  CHECK(read.frames[0].time == at(5'000'006'000));
  Frame frame = read.frames[0];
  Bytes bytes = read.packets[0];
  frame.bytes = bytes;
  CHECK(std::holds_alternative<reassembly::Segment>(reassembly::decode(frame, {})));
}

TEST_CASE("nanosecond stamps are kept, in pcap and pcapng", "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "x"});
  put_bytes(scratch / "a.pcap", pcap_file(1, {{5, 123456789, packet}}, 0xa1b23c4d));
  put_bytes(scratch / "b.pcapng", pcapng_file({1}, packet, 6'987'654'321));
  const Read read = read_all({scratch / "a.pcap", scratch / "b.pcapng"});
  REQUIRE(read.frames.size() == 2);
  CHECK(read.frames[0].time == at(5'123456789));
  CHECK(read.frames[1].time == at(6'987654321));
  CHECK(read.packets[1] == packet);
}

TEST_CASE("stamps of any resolution and offset are read", "[engine][capture]") {
  struct Stamp {
    std::uint64_t stamp;
    std::uint8_t resolution;
    std::int64_t offset, expected;
  };
  const auto s = GENERATE(Stamp{5'123'456, 6, 0, 5'123'456'000}, Stamp{5, 0, 2, 7'000'000'000},
                          Stamp{5'123'456'789'012, 12, 0, 5'123'456'789},
                          Stamp{3 << 10 | 512, 0x80 | 10, 0, 3'500'000'000}, Stamp{5, 6, -100, 0},
                          Stamp{~std::uint64_t{0}, 0, 0, 0}, Stamp{5, 99, 0, 0});
  const Scratch scratch;
  put_bytes(scratch / "a.pcapng", pcapng_file({1}, build_packet({}), s.stamp, s.resolution, s.offset));
  const Read read = read_all({scratch / "a.pcapng"});
  REQUIRE(read.frames.size() == 1);
  CHECK(read.frames[0].time == at(s.expected));
}

TEST_CASE("interfaces of one file may differ in link type and snapshot length", "[engine][capture]") {
  const Scratch scratch;
  put_bytes(scratch / "a.pcapng", pcapng_file({1, 101, 113}, build_packet({.payload = "x"}), 1));
  auto reader = CaptureReader::open({scratch / "a.pcapng"});
  REQUIRE(reader);
  // A file that libpcap would give up at the second interface.
  const Read read = read_all(*reader);
  CHECK(read.warnings.empty());
  REQUIRE(read.frames.size() == 3);
  CHECK(read.frames[0].link == LinkType::ethernet);
  CHECK(read.frames[1].link == LinkType::raw_ip);
  CHECK(read.frames[2].link == LinkType::linux_sll);
}

TEST_CASE("a damaged pcapng file gives the packets before the damage", "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "x"});
  Bytes bytes = pcapng_file({1}, packet, 1);
  Bytes more;
  const auto kind = GENERATE(0, 1, 2);
  Bytes body;
  append(body, std::uint32_t{kind == 0 ? 7U : 0U});  // an interface that does not exist
  append(body, std::uint64_t{0});
  append(body, std::uint32_t{kind == 1 ? 5000U : 4U});  // longer than its block
  append(body, std::uint32_t{4});
  append(body, std::uint32_t{4});
  append_block(more, 6, body);
  if (kind == 2) more.resize(20);
  bytes.insert(bytes.end(), more.begin(), more.end());
  put_bytes(scratch / "a.pcapng", bytes);
  const Read read = read_all({scratch / "a.pcapng"});
  CHECK(read.error.empty());
  CHECK(read.frames.size() == 1);
  REQUIRE(read.warnings.size() == 1);
  CHECK_THAT(read.warnings[0], Catch::Contains("damaged or cut after packet 1"));
}

TEST_CASE("damage anywhere costs packets, never more", "[engine][capture][property]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "hello"});
  const Bytes plain = pcap_file(1, {{1, 0, packet}, {2, 0, packet}, {3, 0, packet}});
  Bytes blocks = pcapng_file({1, 101}, packet, 1);
  blocks.erase(blocks.begin() + 28, blocks.begin() + 28 + 2000012);  // the long block
  CHECK(rc::check([&] {
    Bytes bytes = *rc::gen::element(plain, blocks);
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
    put_bytes(scratch / "a", bytes);
    const Read read = read_all({scratch / "a"});
    RC_ASSERT(read.frames.size() <= 3);
    for (const Frame& frame : read.frames) RC_ASSERT(frame.bytes.size() <= bytes.size());
  }));
}

TEST_CASE("files are read in the order given, numbered through, and time never goes back",
          "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({});
  put_bytes(scratch / "late.pcap", pcap_file(1, {{100, 0, packet}, {90, 0, packet}}));
  put_bytes(scratch / "early.pcap", pcap_file(1, {{50, 0, packet}, {101, 0, packet}}));
  const Read read = read_all({scratch / "late.pcap", scratch / "early.pcap"});
  REQUIRE(read.frames.size() == 4);
  const std::vector<std::int64_t> seconds{100, 100, 100, 101};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(read.frames[i].number == i + 1);
    CHECK(read.frames[i].time == at(seconds[i] * 1'000'000'000));
  }
}

TEST_CASE("a directory gives its captures by name and passes over what is none", "[engine][capture]") {
  const Scratch scratch;
  fs::create_directory(scratch / "sub");
  put_bytes(scratch / "b.pcap", pcap_file(1, {{2, 0, build_packet({.payload = "b"})}}));
  put_bytes(scratch / "a.cap", pcap_file(1, {{1, 0, build_packet({.payload = "a"})}}));
  put_bytes(scratch / "README.md", {'#', ' ', 'h', 'i', '\n'});
  put_bytes(scratch / "sub/c.pcap", pcap_file(1, {{3, 0, build_packet({.payload = "c"})}}));
  const Read read = read_all({scratch.path.string()});
  REQUIRE(read.packets.size() == 2);
  CHECK(read.packets[0].back() == 'a');
  CHECK(read.packets[1].back() == 'b');
}

TEST_CASE("a file cut in the middle gives the packets before it and a warning", "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "hello"});
  Bytes cut = pcap_file(1, {{1, 0, packet}, {2, 0, packet}, {3, 0, packet}});
  cut.resize(cut.size() - 7);
  put_bytes(scratch / "cut.pcap", cut);
  put_bytes(scratch / "whole.pcap", pcap_file(1, {{4, 0, packet}}));
  const Read read = read_all({scratch / "cut.pcap", scratch / "whole.pcap"});
  CHECK(read.error.empty());
  CHECK(read.frames.size() == 3);
  REQUIRE(read.warnings.size() == 1);
  CHECK_THAT(read.warnings[0], Catch::Contains("cut.pcap: damaged or cut after packet 2"));
}

TEST_CASE("a packet length that can't be true ends its file with a warning", "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "hello"});
  Bytes bad = pcap_file(1, {{1, 0, packet}, {2, 0, packet}});
  bad[24 + 16 + packet.size() + 8 + 3] = 0x7f;
  put_bytes(scratch / "bad.pcap", bad);
  put_bytes(scratch / "whole.pcap", pcap_file(1, {{4, 0, packet}}));
  const Read read = read_all({scratch / "bad.pcap", scratch / "whole.pcap"});
  CHECK(read.frames.size() == 2);
  REQUIRE(read.warnings.size() == 1);
  CHECK_THAT(read.warnings[0], Catch::Contains("bad.pcap: damaged or cut after packet 1"));
}

TEST_CASE("a capture of the other byte order, or through a pipe, reads the same", "[engine][capture]") {
  const Scratch scratch;
  const Bytes packet = build_packet({.payload = "hello"});
  Bytes swapped = pcap_file(1, {{1, 2, packet}});
  for (const std::size_t at : {0, 20, 24, 28, 32, 36}) std::reverse(&swapped[at], &swapped[at] + 4);
  std::reverse(&swapped[4], &swapped[6]);
  std::reverse(&swapped[6], &swapped[8]);
  std::reverse(&swapped[16], &swapped[20]);
  put_bytes(scratch / "swapped.pcap", swapped);
  REQUIRE(mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  std::thread writer([&] { put_bytes(scratch / "pipe", pcap_file(1, {{5, 6, packet}})); });
  const Read read = read_all({scratch / "swapped.pcap", scratch / "pipe"});
  writer.join();
  CHECK(read.error.empty());
  REQUIRE(read.frames.size() == 2);
  CHECK(read.frames[0].time == at(1'000'002'000));
  CHECK(read.frames[1].time == at(5'000'006'000));
  CHECK(read.packets[0] == packet);
  CHECK(read.packets[1] == packet);
}

TEST_CASE("bad input is an error that names file and remedy", "[engine][capture]") {
  const Scratch scratch;
  put_bytes(scratch / "text", {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'});
  put_bytes(scratch / "empty", {});
  put_bytes(scratch / "wifi.pcap", pcap_file(105, {}));
  put_bytes(scratch / "wifi.pcapng", pcapng_file({1, 105}, build_packet({}), 1));
  fs::create_directory(scratch / "nothing");
  CHECK_THAT(read_all({scratch / "absent"}).error, Catch::EndsWith("absent: no such file"));
  CHECK_THAT(read_all({scratch / "text"}).error, Catch::Contains("not a pcap or pcapng capture"));
  CHECK_THAT(read_all({scratch / "empty"}).error, Catch::Contains("not a pcap or pcapng capture"));
  CHECK_THAT(read_all({scratch / "wifi.pcap"}).error,
             Catch::Contains("link type IEEE802_11 (105) is not supported"));
  CHECK_THAT(read_all({scratch / "wifi.pcapng"}).error, Catch::Contains("wifi.pcapng: link type IEEE802_11"));
  CHECK_THAT(read_all({scratch / "nothing"}).error, Catch::Contains("no capture in this directory"));
  CHECK_THAT(read_all({"-", "-"}).error, Catch::Contains("only once"));
}

TEST_CASE("a cut packet tells its length on the wire", "[engine][capture]") {
  const Scratch scratch;
  Bytes packet = build_packet({.payload = "hello"});
  packet.resize(40);
  put_bytes(scratch / "a.pcap", pcap_file(1, {{1, 0, packet, 59}}));
  const Read read = read_all({scratch / "a.pcap"});
  REQUIRE(read.frames.size() == 1);
  CHECK(read.frames[0].wire_length == 59);
  CHECK(read.packets[0] == packet);
}

TEST_CASE("long packets and long captures keep their bytes whatever the batch", "[engine][capture]") {
  const Scratch scratch;
  std::vector<Record> records;
  for (std::uint32_t i = 0; i < 600; ++i) {
    Bytes packet(i % 5 == 0 ? 60000 + i : 64 + i);
    std::iota(packet.begin(), packet.end(), static_cast<std::uint8_t>(i));
    records.push_back({i, 0, packet, 0});
  }
  put_bytes(scratch / "a.pcap", pcap_file(1, records));
  const auto size = GENERATE(1U, 64U, 1000U);
  auto reader = CaptureReader::open({scratch / "a.pcap"});
  REQUIRE(reader);
  const Read read = read_all(*reader, size);
  REQUIRE(read.packets.size() == records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (read.packets[i] != records[i].bytes) FAIL("packet " << i);
  }
  CHECK(reader->bytes_read() == reader->total_bytes());
}

TEST_CASE("what is written reads back the same, to the nanosecond", "[engine][capture][writer]") {
  const auto link = GENERATE(LinkType::ethernet, LinkType::raw_ip, LinkType::linux_sll, LinkType::linux_sll2,
                             LinkType::null_loopback);
  const Scratch scratch;
  const Bytes packet = build_packet({.link = link, .payload = "x"});
  auto writer = CaptureWriter::create(scratch / "out.pcap", {link});
  REQUIRE(writer);
  writer->write(packet, link, at(1'999'999'999));
  writer->write(packet, link, at(2'000'000'001), 999);
  CHECK(writer->close());
  CHECK(writer->frames() == 2);
  const Read read = read_all({scratch / "out.pcap"});
  REQUIRE(read.frames.size() == 2);
  CHECK(read.packets[0] == packet);
  CHECK(read.frames[0].link == link);
  CHECK(read.frames[0].time == at(1'999'999'999));
  CHECK(read.frames[1].wire_length == 999);
  const Bytes magic{0x4d, 0x3c, 0xb2, 0xa1};
  const Bytes file = get_bytes(scratch / "out.pcap");
  CHECK(std::equal(magic.begin(), magic.end(), file.begin()));
}

TEST_CASE("different link types are written as Ethernet with their EtherType", "[engine][capture][writer]") {
  const Scratch scratch;
  put_bytes(scratch / "1", pcap_file(1, {{1, 0, build_packet({.vlans = {7}, .payload = "1"})}}));
  put_bytes(scratch / "2",
            pcap_file(101, {{2, 0, build_packet({.link = LinkType::raw_ip, .payload = "2"})}}));
  const PacketSpec v6{.link = LinkType::null_loopback, .source = "::1", .destination = "::2", .payload = "3"};
  put_bytes(scratch / "3", pcap_file(0, {{3, 0, build_packet(v6)}}));
  const PacketSpec cooked{.link = LinkType::linux_sll2, .vlans = {9}, .payload = "4"};
  put_bytes(scratch / "4", pcap_file(276, {{4, 0, build_packet(cooked)}}));
  auto reader = CaptureReader::open({scratch / "1", scratch / "2", scratch / "3", scratch / "4"});
  REQUIRE(reader);
  auto links = reader->link_types();
  REQUIRE(links);
  CHECK(links->size() == 4);
  auto writer = CaptureWriter::create(scratch / "out.pcap", *links);
  REQUIRE(writer);
  CapturePort port(std::move(*reader), std::move(*writer));
  std::vector<Frame> batch(16);
  while (const std::size_t count = port.receive(batch).value()) {
    for (const Frame& frame : std::span(batch).first(count)) port.finish(frame, frame.bytes);
  }
  const Bytes junk(3);
  port.send({junk, LinkType::raw_ip, at(0), 0});
  CHECK(port.writer()->left_out() == 1);
  CHECK(port.writer()->close());

  Read read = read_all({scratch / "out.pcap"});
  REQUIRE(read.frames.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(read.frames[i].link == LinkType::ethernet);
    Frame frame = frame_of(read.packets[i]);
    const auto decoded = reassembly::decode(frame, {});
    REQUIRE(std::holds_alternative<reassembly::Segment>(decoded));
    const auto& segment = std::get<reassembly::Segment>(decoded);
    CHECK(segment.payload[0] == '1' + i);
    CHECK(segment.vlan.ids[0] == (i == 0 ? 7 : i == 3 ? 9 : 0));
  }
}

TEST_CASE("a frame that does not go on leaves no trace in the capture", "[engine][capture][writer]") {
  const Scratch scratch;
  put_bytes(scratch / "in", pcap_file(1, {{1, 0, build_packet({.payload = "1"})}, {2, 0, build_packet({})}}));
  auto reader = CaptureReader::open({scratch / "in"});
  auto writer = CaptureWriter::create(scratch / "out", {LinkType::ethernet});
  REQUIRE((reader && writer));
  CapturePort port(std::move(*reader), std::move(*writer));
  std::vector<Frame> batch(16);
  REQUIRE(port.receive(batch).value() == 2);
  port.finish(batch[0], {});
  port.finish(batch[1], batch[1].bytes.first(54));
  REQUIRE(port.writer()->close());
  const Read read = read_all({scratch / "out"});
  REQUIRE(read.frames.size() == 1);
  CHECK(read.packets[0].size() == 54);
  CHECK(read.frames[0].time == at(2'000'000'000));
}

TEST_CASE("a capture that can't be written says so", "[engine][capture][writer]") {
  CHECK_THAT(CaptureWriter::create("/nowhere/out.pcap", {}).error(),
             Catch::Contains("/nowhere/out.pcap: can't be written"));
  if (fs::exists("/dev/full")) {
    auto writer = CaptureWriter::create("/dev/full", {LinkType::ethernet});
    REQUIRE(writer);
    for (int i = 0; i < 100; ++i)
      writer->write(build_packet({.payload = std::string(1000, 'x')}), LinkType::ethernet, at(0));
    CHECK_THAT(writer->close().error(), Catch::Contains("not written completely"));
  }
}
