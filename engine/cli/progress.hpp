// How far a long replay is, in one line of a terminal that is drawn over and gone at the end.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace lockstep {

// "[#####     ]  50 %  1.2 of 2.4 GB, 310 MB/s".
[[nodiscard]] std::string progress_text(std::uint64_t done, std::uint64_t total,
                                        std::chrono::duration<double> taken);

class Progress {
 public:
  static constexpr std::uint64_t worth_a_bar = 64ULL << 20;  // bytes of input

  // Draws only if `stream` is a terminal and the input is large.
  Progress(std::FILE* stream, std::uint64_t total);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough for every batch of packets: draws at most ten times a second.
  void update(std::uint64_t done);
  // Takes the line away, before anything else is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* stream_;
  std::uint64_t total_;
  bool active_;
  bool drawn_ = false;
  Clock::time_point start_, next_;
};

}  // namespace lockstep
