// Plain pcap from a regular file, read a megabyte at a time, packets handed out where they lie. Everything
// else (pcapng, pipes, the modified format) is libpcap's; for the plain format its calls and two copies cost
// more than decoding does.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

class PcapFile {
 public:
  static constexpr std::uint32_t longest_packet = 262144;

  struct Packet {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::uint32_t wire_length = 0;
    std::span<std::uint8_t> bytes;  // in the buffer, to be edited, valid until refill()
  };

  enum class Got : std::uint8_t { packet, starved, damaged };

  // None if it is not a regular file of this format. The buffer comes from the caller, to be used again.
  [[nodiscard]] static std::optional<PcapFile> open(const std::string& path,
                                                    std::vector<std::uint8_t> buffer);

  PcapFile(PcapFile&& other) noexcept;
  PcapFile& operator=(PcapFile&& other) noexcept;
  ~PcapFile();

  [[nodiscard]] std::uint64_t position() const { return read_ - (end_ - begin_); }

  // The next packet; `starved` if the buffer does not hold it whole, `damaged` if its length can't be true.
  [[nodiscard]] Got next(Packet& packet);
  // Reads on; false at the end of the file. All packets handed out become invalid.
  [[nodiscard]] bool refill();
  // Bytes of a packet that the file does not hold whole; of use at the end.
  [[nodiscard]] std::size_t left_over() const { return end_ - begin_; }

  [[nodiscard]] std::vector<std::uint8_t> take_buffer() { return std::move(buffer_); }

 private:
  PcapFile() = default;
  [[nodiscard]] std::uint32_t load(const std::uint8_t* at) const;

  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of the buffer is not handed out yet
  std::uint64_t read_ = 0;
  int file_ = -1;
  bool swapped_ = false;
  bool nanoseconds_ = false;
};

}  // namespace lockstep
