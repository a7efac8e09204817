#include "engine/ports/capture_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <pcap/pcap.h>

#include "engine/ports/packet_file.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using reassembly::Duration;
using reassembly::Frame;
using reassembly::LinkType;
using reassembly::Timestamp;

// Room for a batch; more than the longest packet.
constexpr std::size_t batch_bytes = std::size_t{2} << 20;
constexpr std::uint32_t unknown_link_number = 0xffffffff;

template <typename T>
using Expected = tl::expected<T, std::string>;

struct PcapCloser {
  void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};
using Pcap = std::unique_ptr<pcap_t, PcapCloser>;

std::string shown(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

std::optional<LinkType> link_type_of(int dlt) {
  switch (dlt) {
    case DLT_EN10MB:
      return LinkType::ethernet;
    case DLT_RAW:
    case 14:   // DLT_RAW of OpenBSD
    case 101:  // LINKTYPE_RAW, where a file carries it unmapped
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkType::raw_ip;
    case DLT_LINUX_SLL:
      return LinkType::linux_sll;
    case DLT_LINUX_SLL2:
      return LinkType::linux_sll2;
    case DLT_NULL:
    case DLT_LOOP:
      return LinkType::null_loopback;
    default:
      return std::nullopt;
  }
}

// The first four bytes of pcap (micro- and nanoseconds, modified), in both orders, and of pcapng.
bool is_capture(const fs::path& path) {
  constexpr std::array<std::uint32_t, 7> magics{0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
                                                0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a};
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  std::uint32_t magic = 0;
  const bool read = std::fread(&magic, sizeof magic, 1, file) == 1;
  std::fclose(file);
  return read && std::find(magics.begin(), magics.end(), magic) != magics.end();
}

Expected<std::vector<std::string>> captures_in(const std::string& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && is_capture(entry->path())) found.push_back(entry->path().string());
  }
  if (error) return tl::unexpected(fmt::format("{}: can't be listed: {}", directory, error.message()));
  if (found.empty()) {
    return tl::unexpected(fmt::format("{}: no capture in this directory (pcap or pcapng)", directory));
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool has_mixed_links(const std::string& error) {
  return error.find("different from the type of the first interface") != std::string::npos;
}

std::string why_not_opened(const std::string& path, const std::string& error) {
  const bool is_stdin = path == "-";
  std::error_code ignored;
  if (!is_stdin && !fs::exists(path, ignored)) return fmt::format("{}: no such file", path);
  if (!is_stdin) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return fmt::format("{}: can't be read: {}", path, std::strerror(errno));
    std::fclose(file);
  }
  if (has_mixed_links(error)) {
    return fmt::format("{}: its interfaces have different link types; split it into a file for each", path);
  }
  return fmt::format("{}: not a pcap or pcapng capture ({}); unpack it first if it is compressed",
                     shown(path), error);
}

std::string unsupported(const std::string& path, int number) {
  const char* known = pcap_datalink_val_to_name(number);
  return fmt::format(
      "{}: link type {} ({}) is not supported; Ethernet, raw IP, Linux cooked and null/loop are", shown(path),
      known != nullptr ? known : "unknown", number);
}

struct Opened {
  Pcap pcap;
  LinkType link = LinkType::ethernet;
};

Expected<Opened> open_capture(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  constexpr auto precision = static_cast<u_int>(PCAP_TSTAMP_PRECISION_NANO);
  Pcap pcap(path == "-" ? pcap_fopen_offline_with_tstamp_precision(stdin, precision, error.data())
                        : pcap_open_offline_with_tstamp_precision(path.c_str(), precision, error.data()));
  if (!pcap) return tl::unexpected(why_not_opened(path, error.data()));
  const int dlt = pcap_datalink(pcap.get());
  const auto link = link_type_of(dlt);
  if (!link) return tl::unexpected(unsupported(path, dlt));
  return Opened{std::move(pcap), *link};
}

}  // namespace

struct CaptureReader::State {
  enum class Step : std::uint8_t { frame, stop, again };

  std::vector<std::string> files;
  std::vector<std::uint64_t> sizes;
  std::vector<LinkType> links;  // at the head of the regular files
  std::size_t next_file = 0;    // to be opened
  std::uint64_t finished = 0;   // bytes of the files read to their end
  std::uint64_t total = 0;
  std::unique_ptr<PacketFile> file;    // the current one, or
  Pcap pcap;                           // the current one
  LinkType link = LinkType::ethernet;  // of the last packet, whose number this is
  std::uint32_t link_number = DLT_EN10MB;
  std::optional<Opened> standard_input;  // opened early, to know its link type

  const pcap_pkthdr* pending_header = nullptr;  // read, but without room in the last batch
  const u_char* pending_bytes = nullptr;
  std::vector<std::uint8_t> buffer;  // of `file`, used again
  std::vector<std::uint8_t> copies;  // of a batch, where libpcap reads
  std::vector<std::string> warnings;
  std::string failure;  // ends the run at the next call
  Timestamp clock = Timestamp::min();
  std::uint64_t frames = 0;

  [[nodiscard]] const std::string& current_path() const { return files[next_file - 1]; }
  [[nodiscard]] std::string check(const std::string& path);
  [[nodiscard]] bool open_next();
  void close_current();
  void warn_of_damage(const std::string& why);
  [[nodiscard]] bool set_link(std::uint32_t number);
  [[nodiscard]] Step take_in_place(Frame& frame, bool batch_empty);
  [[nodiscard]] Step take_copied(Frame& frame, std::size_t& used);
  void fill(Frame& frame, std::span<std::uint8_t> bytes, std::uint32_t wire_length, std::int64_t seconds,
            std::int64_t nanoseconds);
};

// False after the last file, and on failure.
bool CaptureReader::State::open_next() {
  if (next_file == files.size()) return false;
  const std::string& path = files[next_file];
  if (path != "-") file = PacketFile::open(path, std::move(buffer));
  if (!file) {
    Expected<Opened> opened = path == "-" && standard_input ? std::move(*standard_input) : open_capture(path);
    standard_input.reset();
    if (!opened) {
      failure = opened.error();
      return false;
    }
    pcap = std::move(opened->pcap);
    link = opened->link;
    link_number = unknown_link_number;
    copies.resize(batch_bytes);
  }
  ++next_file;
  return true;
}

void CaptureReader::State::close_current() {
  finished += sizes[next_file - 1];
  if (file) buffer = file->take_buffer();
  file.reset();
  pcap.reset();
}

// Interfaces of one file may differ.
bool CaptureReader::State::set_link(std::uint32_t number) {
  if (number == link_number) return true;
  const auto found = link_type_of(static_cast<int>(number));
  if (!found) {
    failure = unsupported(current_path(), static_cast<int>(number));
    return false;
  }
  link = *found;
  link_number = number;
  return true;
}

void CaptureReader::State::warn_of_damage(const std::string& why) {
  warnings.push_back(
      fmt::format("{}: damaged or cut after packet {}: {}", shown(current_path()), frames, why));
}

// Stamps that do not fit 64 bits of nanoseconds, or go back, count as no time passed.
void CaptureReader::State::fill(Frame& frame, std::span<std::uint8_t> bytes, std::uint32_t wire_length,
                                std::int64_t seconds, std::int64_t nanoseconds) {
  constexpr std::int64_t last_second = 9'223'372'035;
  const bool sane = seconds >= 0 && seconds <= last_second && nanoseconds >= 0 && nanoseconds < 1'000'000'000;
  const Timestamp stamp{sane ? std::chrono::seconds(seconds) + Duration(nanoseconds) : Duration{}};
  clock = std::max(clock, stamp);
  frame = Frame{};
  frame.bytes = bytes;
  frame.wire_length = std::max(wire_length, static_cast<std::uint32_t>(bytes.size()));
  frame.link = link;
  frame.time = clock;
  frame.number = ++frames;
}

// The frames of a batch lie in the file's buffer, so it is read on and closed between batches only.
CaptureReader::State::Step CaptureReader::State::take_in_place(Frame& frame, bool batch_empty) {
  PacketFile::Packet packet;
  const PacketFile::Got got = file->next(packet);
  if (got == PacketFile::Got::packet) {
    if (!set_link(packet.link_type)) return Step::stop;
    fill(frame, packet.bytes, packet.wire_length, packet.seconds, packet.nanoseconds);
    return Step::frame;
  }
  if (!batch_empty) return Step::stop;
  if (got == PacketFile::Got::starved && file->refill()) return Step::again;
  if (got == PacketFile::Got::damaged)
    warn_of_damage("what follows can't be true");
  else if (file->left_over() != 0)
    warn_of_damage("the next packet is not whole");
  close_current();
  return Step::again;
}

// That interfaces differ is known only when the second one comes; it is no damage.
CaptureReader::State::Step CaptureReader::State::take_copied(Frame& frame, std::size_t& used) {
  if (pending_header == nullptr) {
    pcap_pkthdr* header = nullptr;
    const int status = pcap_next_ex(pcap.get(), &header, &pending_bytes);
    if (status != 1) {
      const std::string why = status == PCAP_ERROR ? pcap_geterr(pcap.get()) : "";
      if (has_mixed_links(why))
        failure = why_not_opened(current_path(), why);
      else if (status == PCAP_ERROR)
        warn_of_damage(why);
      close_current();
      return Step::again;
    }
    pending_header = header;
  }
  const std::size_t length = pending_header->caplen;
  if (length > PacketFile::longest_packet) {
    warnings.push_back(
        fmt::format("{}: a packet of {} bytes is too long and left out", shown(current_path()), length));
    pending_header = nullptr;
    return Step::again;
  }
  if (length > copies.size() - used) return Step::stop;
  std::copy_n(pending_bytes, length, copies.begin() + static_cast<std::ptrdiff_t>(used));
  fill(frame, std::span(copies).subspan(used, length), pending_header->len, pending_header->ts.tv_sec,
       pending_header->ts.tv_usec);
  used += length;
  pending_header = nullptr;
  return Step::frame;
}

// Notes the link types that stand at the head of a regular file; text if it can't be read.
std::string CaptureReader::State::check(const std::string& path) {
  auto packets = PacketFile::open(path, std::move(buffer));
  if (!packets) {
    const auto opened = open_capture(path);
    if (!opened) return opened.error();
    links.push_back(opened->link);
    return "";
  }
  for (const std::uint32_t number : packets->link_types()) {
    const auto found = link_type_of(static_cast<int>(number));
    if (!found) return unsupported(path, static_cast<int>(number));
    links.push_back(*found);
  }
  buffer = packets->take_buffer();
  return "";
}

Expected<CaptureReader> CaptureReader::open(const std::vector<std::string>& paths) {
  auto state = std::make_unique<State>();
  if (std::count(paths.begin(), paths.end(), "-") > 1) {
    return tl::unexpected(std::string("standard input (-) can be read only once"));
  }
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (path != "-" && fs::is_directory(path, ignored)) {
      auto found = captures_in(path);
      if (!found) return tl::unexpected(found.error());
      state->files.insert(state->files.end(), found->begin(), found->end());
    } else {
      state->files.push_back(path);
    }
  }
  for (const std::string& file : state->files) {
    std::uint64_t size = 0;
    if (file != "-") {
      std::error_code ignored;
      // A pipe can be opened only once; its header is checked when its turn comes.
      if (!fs::exists(file, ignored) || fs::is_regular_file(file, ignored)) {
        const std::string error = state->check(file);
        if (!error.empty()) return tl::unexpected(error);
        size = fs::file_size(file, ignored);
      }
    }
    state->sizes.push_back(size);
    state->total += size;
  }
  return CaptureReader(std::move(state));
}

Expected<std::vector<LinkType>> CaptureReader::link_types() {
  State& state = *state_;
  std::vector<LinkType> kinds = state.links;
  const auto is_stdin = std::find(state.files.begin(), state.files.end(), "-");
  const auto place = static_cast<std::size_t>(is_stdin - state.files.begin());
  if (is_stdin != state.files.end() && place >= state.next_file) {
    if (!state.standard_input) {
      auto opened = open_capture("-");
      if (!opened) return tl::unexpected(opened.error());
      state.standard_input = std::move(*opened);
    }
    kinds.push_back(state.standard_input->link);
  }
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return kinds;
}

Expected<std::size_t> CaptureReader::receive(std::span<Frame> batch) {
  State& state = *state_;
  std::size_t count = 0, used = 0;
  while (state.failure.empty() && count < batch.size()) {
    if (!state.file && !state.pcap && !state.open_next()) break;
    const State::Step step =
        state.file ? state.take_in_place(batch[count], count == 0) : state.take_copied(batch[count], used);
    if (step == State::Step::stop) break;
    if (step == State::Step::frame) ++count;
  }
  // What was read before the bad file is still to be judged.
  if (!state.failure.empty() && count == 0) return tl::unexpected(state.failure);
  return count;
}

const std::vector<std::string>& CaptureReader::files() const {
  return state_->files;
}
std::uint64_t CaptureReader::total_bytes() const {
  return state_->total;
}
std::uint64_t CaptureReader::frames() const {
  return state_->frames;
}

std::uint64_t CaptureReader::bytes_read() const {
  if (state_->file) return state_->finished + state_->file->position();
  if (!state_->pcap || state_->sizes[state_->next_file - 1] == 0) return state_->finished;
  const long at = std::ftell(pcap_file(state_->pcap.get()));
  return state_->finished + (at > 0 ? static_cast<std::uint64_t>(at) : 0);
}

std::vector<std::string> CaptureReader::take_warnings() {
  return std::exchange(state_->warnings, {});
}

CaptureReader::CaptureReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;
CaptureReader::~CaptureReader() = default;

}  // namespace lockstep
