#include "engine/ports/pcap_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lockstep {
namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 20;
constexpr std::size_t file_header = 24, record_header = 16;
static_assert(buffer_size >= 2 * (record_header + PcapFile::longest_packet));

constexpr std::uint32_t microsecond_magic = 0xa1b2c3d4, nanosecond_magic = 0xa1b23c4d;

}  // namespace

PcapFile::PcapFile(PcapFile&& other) noexcept {
  *this = std::move(other);
}

PcapFile& PcapFile::operator=(PcapFile&& other) noexcept {
  std::swap(buffer_, other.buffer_);
  std::swap(file_, other.file_);
  begin_ = other.begin_;
  end_ = other.end_;
  read_ = other.read_;
  swapped_ = other.swapped_;
  nanoseconds_ = other.nanoseconds_;
  return *this;
}

PcapFile::~PcapFile() {
  if (file_ >= 0) ::close(file_);
}

std::uint32_t PcapFile::load(const std::uint8_t* at) const {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return swapped_ ? __builtin_bswap32(word) : word;
}

std::optional<PcapFile> PcapFile::open(const std::string& path, std::vector<std::uint8_t> buffer) {
  PcapFile file;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  file.file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.file_ < 0) return std::nullopt;
  file.buffer_ = std::move(buffer);
  file.buffer_.resize(buffer_size);
  if (!file.refill() || file.end_ < file_header) return std::nullopt;
  const std::uint8_t* header = file.buffer_.data();
  std::uint32_t magic = file.load(header);
  file.swapped_ =
      magic == __builtin_bswap32(microsecond_magic) || magic == __builtin_bswap32(nanosecond_magic);
  magic = file.load(header);
  file.nanoseconds_ = magic == nanosecond_magic;
  const bool version_2 = file.load(header + 4) == (file.swapped_ ? 0x00020004U : 0x00040002U);
  if ((magic != microsecond_magic && !file.nanoseconds_) || !version_2) return std::nullopt;
  file.begin_ = file_header;
  return file;
}

bool PcapFile::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::size_t before = end_;
  while (end_ < buffer_.size()) {
    const ssize_t got = ::read(file_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    end_ += static_cast<std::size_t>(got);
    read_ += static_cast<std::uint64_t>(got);
  }
  return end_ > before;
}

PcapFile::Got PcapFile::next(Packet& packet) {
  if (end_ - begin_ < record_header) return Got::starved;
  const std::uint8_t* header = buffer_.data() + begin_;
  const std::uint32_t length = load(header + 8);
  if (length > longest_packet) return Got::damaged;
  if (end_ - begin_ - record_header < length) return Got::starved;
  packet.seconds = load(header);
  const std::uint32_t fraction = load(header + 4);
  constexpr std::uint32_t limit = 1'000'000'000;
  packet.nanoseconds = nanoseconds_ ? fraction : fraction < limit / 1000 ? fraction * 1000 : limit;
  packet.wire_length = load(header + 12);
  packet.bytes = std::span(buffer_).subspan(begin_ + record_header, length);
  begin_ += record_header + length;
  return Got::packet;
}

}  // namespace lockstep
