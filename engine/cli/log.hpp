// What the program says about itself, on stderr. Lines with values are made by fmt::format: spdlog's own
// templates would compile the whole formatter into each file that logs.
#pragma once
#include <cstdint>
#include <memory>

#include <spdlog/fwd.h>

namespace lockstep {

// 0: warnings and errors, 1 (-v): what is done, 2 (-vv) and more: details. Call once, before any thread
// starts.
void start_log(std::uint64_t verbosity);

// While this lives, lines are written by a thread of their own, and nobody who logs waits: of more lines than
// there is room for the oldest are lost. After start_log().
class AsyncLog {
 public:
  AsyncLog();
  ~AsyncLog();
  AsyncLog(const AsyncLog&) = delete;
  AsyncLog& operator=(const AsyncLog&) = delete;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace lockstep
