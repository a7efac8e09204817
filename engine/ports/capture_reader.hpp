// Frames from capture files: pcap and pcapng, in either byte order, with micro- or nanosecond stamps.
// Ethernet, raw IP in all of its numbers, Linux cooked v1 and v2, BSD null and loop.
//
// Several files are read in the order given, numbered through. The clock never goes back: a frame stamped
// earlier than the one before it gets that one's time. A file that ends in the middle of a packet, or is
// damaged there, gives the packets before it and a warning.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "reassembly/frame.hpp"

namespace lockstep {

class CaptureReader {
 public:
  // Each of `paths` is a file, a directory (its captures by name, not those of subdirectories), or "-"
  // (standard input). All headers but standard input's are read and checked at once. The error names file and
  // remedy.
  [[nodiscard]] static tl::expected<CaptureReader, std::string> open(const std::vector<std::string>& paths);

  CaptureReader(CaptureReader&&) noexcept;
  CaptureReader& operator=(CaptureReader&&) noexcept;
  ~CaptureReader();

  // Fills the front of `batch`; 0 at the end of the last file. The bytes are a copy of their own, to be
  // edited, and valid until the next call. A batch may end early, never empty before the end.
  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<reassembly::Frame> batch);

  // One if all files have it, for the writer; else none. Standard input counts once it is open, which asks
  // for it.
  [[nodiscard]] tl::expected<std::vector<reassembly::LinkType>, std::string> link_types();

  [[nodiscard]] const std::vector<std::string>& files() const;
  [[nodiscard]] std::uint64_t total_bytes() const;  // of the regular files
  [[nodiscard]] std::uint64_t bytes_read() const;   // of them, about
  [[nodiscard]] std::uint64_t frames() const;
  // Since the last call.
  [[nodiscard]] std::vector<std::string> take_warnings();

 private:
  struct State;
  explicit CaptureReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lockstep
