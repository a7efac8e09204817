#include "xdp/samples.hpp"

#include <cerrno>
#include <cstring>

#include <bpf/libbpf.h>
#include <fmt/format.h>

namespace lockstep::xdp {

void Samples::Close::operator()(ring_buffer* ring) const {
  ring_buffer__free(ring);
}

tl::expected<Samples, std::string> Samples::open(const std::string& pins) {
  auto map = Map::open(pins, "samples");
  if (!map) return tl::unexpected(map.error());
  Samples samples;
  samples.ring_.reset(ring_buffer__new(map->descriptor(), keep, samples.taken_.get(), nullptr));
  if (!samples.ring_)
    return tl::unexpected(
        fmt::format("{}/samples: {}", pins, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  samples.map_ = std::move(*map);
  return samples;
}

const std::vector<ls_sample>& Samples::take() {
  taken_->clear();
  static_cast<void>(ring_buffer__consume(ring_.get()));
  return *taken_;
}

int Samples::keep(void* taken, void* bytes, std::size_t size) {
  if (size < sizeof(ls_sample)) return 0;
  ls_sample sample;
  std::memcpy(&sample, bytes, sizeof sample);
  static_cast<std::vector<ls_sample>*>(taken)->push_back(sample);
  return 0;
}

}  // namespace lockstep::xdp
