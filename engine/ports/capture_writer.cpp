#include "engine/ports/capture_writer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace lockstep {
namespace {

using reassembly::LinkType;
using reassembly::Timestamp;

constexpr int snapshot_length = 262144;

int dlt_of(LinkType link) {
  switch (link) {
    case LinkType::ethernet:
      return DLT_EN10MB;
    case LinkType::raw_ip:
      return DLT_RAW;
    case LinkType::linux_sll:
      return DLT_LINUX_SLL;
    case LinkType::linux_sll2:
      return DLT_LINUX_SLL2;
    case LinkType::null_loopback:
      return DLT_NULL;
  }
  return DLT_EN10MB;
}

using EthernetHeader = std::array<std::uint8_t, 14>;

// What of a frame is its header, and the Ethernet header to put in its place.
struct Conversion {
  std::size_t header = 0;
  EthernetHeader ethernet{};
  bool possible = false;
};

void set_type(Conversion& conversion, std::uint8_t high, std::uint8_t low) {
  conversion.ethernet[12] = high;
  conversion.ethernet[13] = low;
  conversion.possible = true;
}

void set_ip_type(Conversion& conversion, std::span<const std::uint8_t> packet) {
  if (packet.empty()) return;
  if (packet[0] >> 4 == 4) set_type(conversion, 0x08, 0x00);
  if (packet[0] >> 4 == 6) set_type(conversion, 0x86, 0xdd);
}

Conversion to_ethernet(std::span<const std::uint8_t> bytes, LinkType link) {
  Conversion conversion;
  const auto cooked = [&](std::size_t header, std::size_t type, std::size_t mac) {
    if (bytes.size() < header) return;
    conversion.header = header;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(mac), 6, conversion.ethernet.begin() + 6);
    set_type(conversion, bytes[type], bytes[type + 1]);
  };
  switch (link) {
    case LinkType::raw_ip:
      set_ip_type(conversion, bytes);
      break;
    case LinkType::linux_sll:
      cooked(16, 14, 6);
      break;
    case LinkType::linux_sll2:
      cooked(20, 0, 12);
      break;
    case LinkType::null_loopback:
      if (bytes.size() <= 4) break;
      conversion.header = 4;
      set_ip_type(conversion, bytes.subspan(4));
      break;
    case LinkType::ethernet:
      break;
  }
  return conversion;
}

}  // namespace

struct CaptureWriter::State {
  std::string path;
  LinkType link = LinkType::ethernet;
  pcap_t* pcap = nullptr;
  pcap_dumper_t* dumper = nullptr;
  std::vector<std::uint8_t> scratch;
  std::uint64_t frames = 0;
  std::uint64_t left_out = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (dumper != nullptr) pcap_dump_close(dumper);
    if (pcap != nullptr) pcap_close(pcap);
  }
};

tl::expected<CaptureWriter, std::string> CaptureWriter::create(const std::string& path,
                                                               const std::vector<LinkType>& links) {
  auto state = std::make_unique<State>();
  state->path = path == "-" ? "standard output" : path;
  const bool one =
      !links.empty() && std::all_of(links.begin(), links.end(), [&](LinkType l) { return l == links[0]; });
  state->link = one ? links[0] : LinkType::ethernet;
  state->pcap = pcap_open_dead_with_tstamp_precision(dlt_of(state->link), snapshot_length,
                                                     static_cast<u_int>(PCAP_TSTAMP_PRECISION_NANO));
  if (state->pcap == nullptr) return tl::unexpected(fmt::format("{}: out of memory", state->path));
  state->dumper = pcap_dump_open(state->pcap, path.c_str());
  if (state->dumper == nullptr) {
    return tl::unexpected(fmt::format("{}: can't be written: {}", state->path, std::strerror(errno)));
  }
  return CaptureWriter(std::move(state));
}

void CaptureWriter::write(std::span<const std::uint8_t> bytes, LinkType link, Timestamp time,
                          std::uint32_t wire_length) {
  State& state = *state_;
  std::uint32_t missing =
      wire_length > bytes.size() ? wire_length - static_cast<std::uint32_t>(bytes.size()) : 0;
  if (link != state.link) {
    const Conversion conversion = to_ethernet(bytes, link);
    if (state.link != LinkType::ethernet || !conversion.possible) {
      ++state.left_out;
      return;
    }
    const auto packet = bytes.subspan(conversion.header);
    state.scratch.assign(conversion.ethernet.begin(), conversion.ethernet.end());
    state.scratch.insert(state.scratch.end(), packet.begin(), packet.end());
    bytes = state.scratch;
  }
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<time_t>(seconds.count());
  header.ts.tv_usec = static_cast<suseconds_t>((since - seconds).count());
  header.caplen = static_cast<bpf_u_int32>(bytes.size());
  header.len = header.caplen + missing;
  pcap_dump(reinterpret_cast<u_char*>(state.dumper), &header, bytes.data());
  ++state.frames;
}

std::uint64_t CaptureWriter::frames() const {
  return state_->frames;
}
std::uint64_t CaptureWriter::left_out() const {
  return state_->left_out;
}

tl::expected<void, std::string> CaptureWriter::close() {
  State& state = *state_;
  if (state.dumper == nullptr) return {};
  const bool good = pcap_dump_flush(state.dumper) == 0 && std::ferror(pcap_dump_file(state.dumper)) == 0;
  const int error = errno;
  pcap_dump_close(std::exchange(state.dumper, nullptr));
  if (good) return {};
  return tl::unexpected(fmt::format("{}: not written completely: {}", state.path, std::strerror(error)));
}

CaptureWriter::CaptureWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptureWriter::CaptureWriter(CaptureWriter&&) noexcept = default;
CaptureWriter& CaptureWriter::operator=(CaptureWriter&&) noexcept = default;
CaptureWriter::~CaptureWriter() = default;

}  // namespace lockstep
