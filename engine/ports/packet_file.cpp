#include "engine/ports/packet_file.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace lockstep {
namespace {

constexpr std::uint32_t billion = 1'000'000'000;

template <typename Word>
Word load(const std::uint8_t* at, bool swapped) {
  Word word{};
  std::memcpy(&word, at, sizeof word);
  if (!swapped) return word;
  std::uint8_t* bytes = reinterpret_cast<std::uint8_t*>(&word);
  std::reverse(bytes, bytes + sizeof word);
  return word;
}

// ---- pcap (draft-ietf-opsawg-pcap)
// -------------------------------------------------------------------------------

constexpr std::uint32_t microsecond_magic = 0xa1b2c3d4, nanosecond_magic = 0xa1b23c4d;

class Pcap final : public PacketFile {
 public:
  static constexpr std::size_t file_header = 24, record_header = 16;
  static_assert(FileWindow::size >= 2 * (record_header + longest_packet));

  Pcap(FileWindow window, bool swapped) : PacketFile(std::move(window)), swapped_(swapped) {
    const std::uint8_t* header = window_.data().data();
    nanoseconds_ = load<std::uint32_t>(header, swapped_) == nanosecond_magic;
    // The upper half tells of frame check sequences.
    link_type_ = load<std::uint32_t>(header + 20, swapped_) & 0xffffU;
    window_.consume(file_header);
  }

  [[nodiscard]] Got next(Packet& packet) override {
    const std::span<std::uint8_t> data = window_.data();
    if (data.size() < record_header) return Got::starved;
    const auto word = [&](std::size_t at) { return load<std::uint32_t>(&data[at], swapped_); };
    const std::uint32_t length = word(8);
    if (length > longest_packet) return Got::damaged;
    if (data.size() - record_header < length) return Got::starved;
    const std::uint32_t fraction = word(4);
    packet.seconds = word(0);
    packet.nanoseconds = nanoseconds_ ? fraction : fraction < billion / 1000 ? fraction * 1000 : billion;
    packet.wire_length = word(12);
    packet.link_type = link_type_;
    packet.bytes = data.subspan(record_header, length);
    window_.consume(record_header + length);
    return Got::packet;
  }

  [[nodiscard]] std::vector<std::uint32_t> link_types() override { return {link_type_}; }

 private:
  std::uint32_t link_type_ = 0;
  bool swapped_ = false;
  bool nanoseconds_ = false;
};

// ---- pcapng (draft-ietf-opsawg-pcapng)
// ---------------------------------------------------------------------------

constexpr std::uint32_t section_block = 0x0a0d0d0a, interface_block = 1, old_packet_block = 2,
                        simple_packet_block = 3, packet_block = 6;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;

struct Interface {
  std::uint32_t link_type = 0;
  std::uint32_t snapshot_length = 0;  // 0: no limit
  std::uint64_t units = 1'000'000;    // of a stamp in a second; 0 if they don't fit
  std::int64_t offset = 0;            // seconds
};

class Pcapng final : public PacketFile {
 public:
  explicit Pcapng(FileWindow window) : PacketFile(std::move(window)) {}

  [[nodiscard]] Got next(Packet& packet) override {
    for (;;) {
      const std::size_t skipped = std::min(skip_, window_.data().size());
      window_.consume(skipped);
      skip_ -= skipped;
      const std::span<std::uint8_t> data = window_.data();
      if (data.size() < 12) return Got::starved;
      if (load<std::uint32_t>(data.data(), false) == section_block && !begin_section(data))
        return Got::damaged;
      const auto type = load<std::uint32_t>(data.data(), swapped_);
      const auto length = load<std::uint32_t>(&data[4], swapped_);
      if (length < 12) return Got::damaged;
      const std::size_t whole = (std::size_t{length} + 3) & ~std::size_t{3};
      if (!is_read(type)) {
        skip_ = whole;
        continue;
      }
      if (whole > FileWindow::size / 2) return Got::damaged;
      if (data.size() < whole) return Got::starved;
      const std::span<std::uint8_t> body = data.subspan(8, length - 12);
      if (type == interface_block) {
        if (!add_interface(body)) return Got::damaged;
        window_.consume(whole);
        continue;
      }
      if (!read_packet(type, body, packet)) return Got::damaged;
      window_.consume(whole);
      return Got::packet;
    }
  }

  [[nodiscard]] std::vector<std::uint32_t> link_types() override {
    std::vector<std::uint32_t> found;
    const std::span<std::uint8_t> data = window_.data();
    for (std::size_t at = 0; data.size() - at >= 12;) {
      const std::span<std::uint8_t> block = data.subspan(at);
      if (load<std::uint32_t>(block.data(), false) == section_block && !begin_section(block)) break;
      const auto type = load<std::uint32_t>(block.data(), swapped_);
      const auto length = load<std::uint32_t>(&block[4], swapped_);
      if (length < 12 || length > block.size() || (is_read(type) && type != interface_block)) break;
      if (type == interface_block) found.push_back(load<std::uint16_t>(&block[8], swapped_));
      at += std::min((std::size_t{length} + 3) & ~std::size_t{3}, block.size());
    }
    return found;
  }

 private:
  [[nodiscard]] static bool is_read(std::uint32_t type) {
    return type == interface_block || type == old_packet_block || type == simple_packet_block ||
           type == packet_block;
  }

  // A section has a byte order and interfaces of its own. The block is longer than 12 bytes by its
  // definition.
  [[nodiscard]] bool begin_section(std::span<const std::uint8_t> block) {
    const auto magic = load<std::uint32_t>(&block[8], false);
    swapped_ = magic == __builtin_bswap32(byte_order_magic);
    interfaces_.clear();
    return swapped_ || magic == byte_order_magic;
  }

  [[nodiscard]] bool add_interface(std::span<const std::uint8_t> body) {
    constexpr std::size_t most = 65536;
    if (body.size() < 8 || interfaces_.size() == most) return false;
    Interface added;
    added.link_type = load<std::uint16_t>(body.data(), swapped_);
    added.snapshot_length = load<std::uint32_t>(&body[4], swapped_);
    constexpr std::uint16_t end_of_options = 0, resolution = 9, offset = 14;
    for (std::size_t at = 8; body.size() - at >= 4;) {
      const auto code = load<std::uint16_t>(&body[at], swapped_);
      const std::size_t length = load<std::uint16_t>(&body[at + 2], swapped_);
      at += 4;
      if (code == end_of_options || length > body.size() - at) break;
      if (code == resolution && length == 1) added.units = units_of(body[at]);
      if (code == offset && length == 8) added.offset = load<std::int64_t>(&body[at], swapped_);
      at += std::min((length + 3) & ~std::size_t{3}, body.size() - at);
    }
    interfaces_.push_back(added);
    return true;
  }

  // The exponent of ten, or with the top bit set of two.
  [[nodiscard]] static std::uint64_t units_of(std::uint8_t resolution) {
    const unsigned exponent = resolution & 0x7fU;
    if ((resolution & 0x80U) != 0) return exponent < 64 ? std::uint64_t{1} << exponent : 0;
    if (exponent > 19) return 0;
    std::uint64_t units = 1;
    for (unsigned i = 0; i < exponent; ++i) units *= 10;
    return units;
  }

  void set_time(std::uint64_t stamp, const Interface& from, Packet& packet) const {
    packet.seconds = 0;
    packet.nanoseconds = billion;
    if (from.units == 0) return;
    const auto seconds = static_cast<std::int64_t>(std::min<std::uint64_t>(
        stamp / from.units, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
    if (__builtin_add_overflow(seconds, from.offset, &packet.seconds)) return;
    __extension__ using Wide = unsigned __int128;
    packet.nanoseconds = static_cast<std::uint32_t>(Wide{stamp % from.units} * billion / from.units);
  }

  [[nodiscard]] bool read_packet(std::uint32_t type, std::span<std::uint8_t> body, Packet& packet) const {
    const std::size_t header = type == simple_packet_block ? 4 : 20;
    if (body.size() < header) return false;
    const auto word = [&](std::size_t at) { return load<std::uint32_t>(&body[at], swapped_); };
    std::uint32_t interface = 0;
    if (type == packet_block) interface = word(0);
    if (type == old_packet_block) interface = load<std::uint16_t>(body.data(), swapped_);
    if (interface >= interfaces_.size()) return false;
    const Interface& from = interfaces_[interface];
    std::uint32_t length = 0;
    if (type == simple_packet_block) {
      packet.wire_length = word(0);
      length = std::min(packet.wire_length, static_cast<std::uint32_t>(body.size() - header));
      if (from.snapshot_length != 0) length = std::min(length, from.snapshot_length);
      packet.seconds = packet.nanoseconds = 0;  // it has no stamp
    } else {
      length = word(12);
      packet.wire_length = word(16);
      set_time(std::uint64_t{word(4)} << 32 | word(8), from, packet);
    }
    if (length > longest_packet || length > body.size() - header) return false;
    packet.link_type = from.link_type;
    packet.bytes = body.subspan(header, length);
    return true;
  }

  std::vector<Interface> interfaces_;
  std::size_t skip_ = 0;  // bytes of a block that is not read
  bool swapped_ = false;
};

}  // namespace

std::unique_ptr<PacketFile> PacketFile::open(const std::string& path, std::vector<std::uint8_t> buffer) {
  auto window = FileWindow::open(path, std::move(buffer));
  if (!window || window->data().size() < Pcap::file_header) return nullptr;
  const std::uint8_t* start = window->data().data();
  const auto magic = load<std::uint32_t>(start, false);
  if (magic == section_block) return std::make_unique<Pcapng>(std::move(*window));
  const bool swapped =
      magic == __builtin_bswap32(microsecond_magic) || magic == __builtin_bswap32(nanosecond_magic);
  const bool known = swapped || magic == microsecond_magic || magic == nanosecond_magic;
  const bool version_2_4 =
      load<std::uint16_t>(start + 4, swapped) == 2 && load<std::uint16_t>(start + 6, swapped) == 4;
  if (!known || !version_2_4) return nullptr;
  return std::make_unique<Pcap>(std::move(*window), swapped);
}

}  // namespace lockstep
