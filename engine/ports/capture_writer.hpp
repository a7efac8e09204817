// Frames to a capture file that any tool reads: pcap with nanosecond stamps. A pcap file has one link type.
// Where the input has several, all is written as Ethernet: a frame of another kind gets an Ethernet header
// with its EtherType, its sender's MAC address if it is known, and zeros for the rest; VLAN tags stay.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "reassembly/frame.hpp"

namespace lockstep {

class CaptureWriter {
 public:
  // `links` are those of the input, as CaptureReader::link_types() names them. "-" is standard output.
  [[nodiscard]] static tl::expected<CaptureWriter, std::string> create(
      const std::string& path, const std::vector<reassembly::LinkType>& links);

  CaptureWriter(CaptureWriter&&) noexcept;
  CaptureWriter& operator=(CaptureWriter&&) noexcept;
  ~CaptureWriter();

  // `wire_length` as in Frame; 0 or less than the bytes: all of it is here.
  void write(std::span<const std::uint8_t> bytes, reassembly::LinkType link, reassembly::Timestamp time,
             std::uint32_t wire_length = 0);

  [[nodiscard]] std::uint64_t frames() const;
  // Frames that say nothing of their EtherType and could not be converted.
  [[nodiscard]] std::uint64_t left_out() const;

  // Flushes and closes. Call it: the destructor can't report a full disk.
  [[nodiscard]] tl::expected<void, std::string> close();

 private:
  struct State;
  explicit CaptureWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lockstep
