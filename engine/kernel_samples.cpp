#include "engine/kernel_samples.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace lockstep {

KernelSamples::KernelSamples(xdp::Samples samples, ls_config& config, std::uint16_t port)
    : samples_(std::move(samples)), config_(&config), port_(port) {
  begin_round();
}

// A number that no earlier run has used since the maps were made.
void KernelSamples::begin_round() {
  std::atomic_ref(config_->sample_round).fetch_add(1, std::memory_order_relaxed);
}

void KernelSamples::tell(Reporter& reporter, const Clock& clock) {
  for (const ls_sample& sample : samples_.take()) {
    std::array<std::uint8_t, LS_SAMPLE_BYTES> bytes{};
    const std::size_t held = std::min<std::size_t>(sample.captured, bytes.size());
    std::copy_n(std::begin(sample.bytes), held, bytes.begin());
    reassembly::Frame frame;
    frame.bytes = std::span(bytes).first(held);
    frame.wire_length = sample.length;
    frame.time = clock.at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(sample.time)));
    frame.port = static_cast<std::uint16_t>(port_ + (sample.side & 1U));
    reporter.on_kernel_drop(frame, kernel_reason(sample.what));
  }
  begin_round();
}

}  // namespace lockstep
