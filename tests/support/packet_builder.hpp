// Frames for tests. Whatever a PacketSpec leaves unset is what an honest sender would have put there, so a
// test names only what it is about:
//
//   auto bytes = build_packet({.seq = 1, .flags = TcpFlag::ack, .payload = "GET /", .tcp_checksum = 0xbad});
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reassembly/frame.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::test {

using Bytes = std::vector<std::uint8_t>;

struct PacketSpec {
  // Link
  reassembly::LinkType link = reassembly::LinkType::ethernet;
  std::string source_mac = "02:00:00:00:00:01";
  std::string destination_mac = "02:00:00:00:00:02";
  std::vector<std::uint16_t> vlans{};            // ids, outermost first
  std::optional<std::uint16_t> vlan_type{};      // of every tag; unset: 0x8100, the outer ones 0x88a8
  std::optional<std::uint16_t> pppoe_session{};  // set: a PPPoE header stands in front of IP
  std::optional<std::uint16_t> pppoe_length{};
  std::optional<std::uint16_t> ethertype{};
  std::size_t padding = 0;      // bytes behind the IP packet
  bool pad_to_minimum = false;  // to Ethernet's 60 bytes

  // IP; the version follows from the source address
  std::string source = "10.0.0.1";
  std::string destination = "10.0.0.2";
  std::optional<std::uint8_t> ip_version{};
  std::optional<std::uint8_t> ip_header_words{};  // IHL
  std::optional<std::uint16_t> ip_length{};       // IPv4 total length, IPv6 payload length
  std::optional<std::uint16_t> ip_checksum{};
  std::optional<std::uint8_t> protocol{};
  std::uint16_t ip_id = 0x1234;
  std::uint16_t ip_flags = 0x4000;  // the word with DF, MF and the offset
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  std::uint32_t flow_label = 0;
  Bytes ip_options{};  // padded with zeros to a multiple of four
  // IPv6: protocol number and the header without its next-header byte, e.g. {60, {0, 1, 4, 0, 0, 0, 0}}
  std::vector<std::pair<std::uint8_t, Bytes>> extensions{};

  // TCP
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 80;
  std::uint32_t seq = 1000;
  std::uint32_t ack = 0;
  std::optional<int> flags{};  // unset: ACK, and PSH with payload
  std::uint16_t window = 65535;
  std::uint16_t urgent = 0;
  std::uint8_t reserved = 0;
  Bytes options{};  // padded with zeros to a multiple of four
  std::optional<std::uint8_t> data_offset{};
  std::optional<std::uint16_t> tcp_checksum{};
  std::string payload{};
};

[[nodiscard]] Bytes build_packet(const PacketSpec& spec);

// The same with `body` behind the IP headers, as it is: UDP, a tunnel, garbage.
[[nodiscard]] Bytes build_ip(const PacketSpec& spec, const Bytes& body);

// Cuts the IP packet of an untagged or tagged Ethernet, or raw IP, frame into fragments of `sizes` payload
// bytes (the last size repeats), multiples of eight. IPv6: behind the fixed header.
[[nodiscard]] std::vector<Bytes> fragment_packet(const Bytes& packet, reassembly::LinkType link,
                                                 const std::vector<std::size_t>& sizes, std::uint32_t id);

// A Frame over `bytes`, which it does not own.
[[nodiscard]] reassembly::Frame frame_of(Bytes& bytes,
                                         reassembly::LinkType link = reassembly::LinkType::ethernet);

// Independent of the code under test: 16 bits at a time.
[[nodiscard]] std::uint16_t slow_checksum(const Bytes& bytes);
[[nodiscard]] bool checksums_right(const Bytes& frame, const reassembly::Segment& segment);

}  // namespace lockstep::test
