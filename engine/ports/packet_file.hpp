// Regular files of pcap and pcapng, packets handed out where they lie in a buffer. libpcap does the rest:
// pipes and odd formats. It costs twice the time for each packet, and refuses a pcapng file whose interfaces
// differ in link type or snapshot length.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/ports/file_window.hpp"

namespace lockstep {

class PacketFile {
 public:
  static constexpr std::uint32_t longest_packet = 262144;

  struct Packet {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;  // a billion if the file's fraction can't be true
    std::uint32_t wire_length = 0;
    std::uint32_t link_type = 0;    // LINKTYPE_ number
    std::span<std::uint8_t> bytes;  // to be edited, valid until refill()
  };

  enum class Got : std::uint8_t {
    packet,
    starved,  // the buffer does not hold the next one whole
    damaged,  // a length that can't be true, or an interface that does not exist
  };

  // None if it is no regular file, or of another format. The buffer is given to be used again.
  [[nodiscard]] static std::unique_ptr<PacketFile> open(const std::string& path,
                                                        std::vector<std::uint8_t> buffer);

  explicit PacketFile(FileWindow window) : window_(std::move(window)) {}
  virtual ~PacketFile() = default;
  PacketFile(const PacketFile&) = delete;
  PacketFile& operator=(const PacketFile&) = delete;

  [[nodiscard]] virtual Got next(Packet& packet) = 0;
  // The link types that stand in front of the first packet.
  [[nodiscard]] virtual std::vector<std::uint32_t> link_types() = 0;

  // Reads on; false at the end of the file. All packets handed out become invalid.
  [[nodiscard]] bool refill() { return window_.refill(); }
  // Bytes that are no whole packet; of use at the end.
  [[nodiscard]] std::size_t left_over() { return window_.data().size(); }
  [[nodiscard]] std::uint64_t position() const { return window_.position(); }
  [[nodiscard]] std::vector<std::uint8_t> take_buffer() { return window_.take_buffer(); }

 protected:
  FileWindow window_;
};

}  // namespace lockstep
