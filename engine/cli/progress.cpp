#include "engine/cli/progress.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/cli/terminal.hpp"

namespace lockstep {

std::string progress_text(std::uint64_t done, std::uint64_t total, std::chrono::duration<double> taken) {
  constexpr std::size_t cells = 30;
  const double share =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto full = static_cast<std::size_t>(share * cells);
  const double speed = taken.count() > 0 ? static_cast<double>(done) / taken.count() : 0;
  return fmt::format("[{:<{}}] {:3.0f} %  {:.1f} of {:.1f} GB, {:.0f} MB/s", std::string(full, '#'), cells,
                     share * 100, static_cast<double>(done) * 1e-9, static_cast<double>(total) * 1e-9,
                     speed * 1e-6);
}

Progress::Progress(std::FILE* stream, std::uint64_t total)
    : stream_(stream),
      total_(total),
      active_(total >= worth_a_bar && is_terminal(stream)),
      start_(Clock::now()),
      next_(start_) {}

void Progress::update(std::uint64_t done) {
  if (!active_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  fmt::print(stream_, "\r\x1b[K{}", progress_text(done, total_, now - start_));
  std::fflush(stream_);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  fmt::print(stream_, "\r\x1b[K");
  std::fflush(stream_);
  drawn_ = false;
}

}  // namespace lockstep
