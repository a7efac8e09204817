// Where packets enter and leave. A replay and an inline run differ in this object alone; ports may wrap ports
// (to trace, record or damage what goes by).
//
// Life of a frame: receive() hands it out, its bytes stay in place and may be edited, finish() gives it back.
// Every frame is finished exactly once, in any order, before the next receive(). One thread per port object.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "reassembly/frame.hpp"

namespace lockstep {

using reassembly::Frame;
using reassembly::LinkType;
using reassembly::Timestamp;

// A frame that did not come in as it goes out: a reset, an ACK, a fragment of a datagram that was held.
struct Departure {
  std::span<const std::uint8_t> bytes;
  LinkType link = LinkType::ethernet;
  Timestamp time{};
  std::uint16_t port = 0;  // as in Frame: the port it leaves by
  bool made = true;        // by the engine; else a fragment that had come in
};

class PacketPort {
 public:
  virtual ~PacketPort() = default;

  // Fills the front of `batch` and says how much of it; 0 when there will be no more. An error is text for
  // the user.
  [[nodiscard]] virtual tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) = 0;

  // `leaving` goes out in the frame's place, by the other port of its pair; mostly a part of frame.bytes.
  // Empty: nothing does (dropped, or held as a copy).
  virtual void finish(const Frame& frame, std::span<const std::uint8_t> leaving) = 0;

  virtual void send(const Departure& departure) = 0;
};

}  // namespace lockstep
