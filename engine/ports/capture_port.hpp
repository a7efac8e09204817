// The port of a replay: frames from captures; what would have left the device goes to a capture, or nowhere.
#pragma once
#include <optional>

#include "engine/ports/capture_reader.hpp"
#include "engine/ports/capture_writer.hpp"
#include "engine/ports/packet_port.hpp"

namespace lockstep {

class CapturePort final : public PacketPort {
 public:
  CapturePort(CaptureReader reader, std::optional<CaptureWriter> writer)
      : reader_(std::move(reader)), writer_(std::move(writer)) {}

  [[nodiscard]] tl::expected<std::size_t, std::string> receive(std::span<Frame> batch) override {
    return reader_.receive(batch);
  }
  void finish(const Frame& frame, std::span<const std::uint8_t> leaving) override {
    if (!writer_ || leaving.empty()) return;
    // A frame that the capture had cut, and that passed unread, still tells its true length.
    const bool cut = leaving.size() == frame.bytes.size() && frame.wire_length > leaving.size();
    writer_->write(leaving, frame.link, frame.time, cut ? frame.wire_length : 0);
  }
  void send(const Departure& departure) override {
    if (writer_) writer_->write(departure.bytes, departure.link, departure.time);
  }

  [[nodiscard]] CaptureReader& reader() { return reader_; }
  [[nodiscard]] std::optional<CaptureWriter>& writer() { return writer_; }

 private:
  CaptureReader reader_;
  std::optional<CaptureWriter> writer_;
};

}  // namespace lockstep
