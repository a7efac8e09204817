// What a log writer writes to: a file, a Unix socket, syslog. None of them holds up the others: what can't be
// written now waits in a bounded backlog, and lines beyond it are lost and counted. Whatever fails is tried
// again; the first failure and the recovery are logged. One thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class Destination {
 public:
  static constexpr std::size_t most_waiting = 1U << 20U;  // bytes

  // `name`: a path, or the program's name for syslog. A file must be there or be made at once; a socket may
  // come later. The error names it, what is wrong and the remedy.
  [[nodiscard]] static tl::expected<std::unique_ptr<Destination>, std::string> open(FileType type,
                                                                                    const std::string& name);
  virtual ~Destination() = default;
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // Whole lines; none at all: tries what waits.
  void write(std::string_view lines);
  // Under the same name anew: a file that was moved away is left to whoever did so.
  void reopen();
  [[nodiscard]] bool waiting() const { return !backlog_.empty(); }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }        // lines
  [[nodiscard]] std::uint64_t written() const { return written_; }  // bytes

 protected:
  Destination(std::string name, bool retries_at_once) : name_(std::move(name)), at_once_(retries_at_once) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  // Opens; an errno, or 0.
  [[nodiscard]] virtual int connect() = 0;
  // Writes what it can of whole lines, or of the rest of one; bytes, or a negative errno. EAGAIN: later.
  [[nodiscard]] virtual std::int64_t put(std::string_view lines) = 0;
  void lose_line() { ++lost_; }
  Descriptor file_;

 private:
  void flush();
  void fail(int error);

  std::string name_;
  bool at_once_;  // a file: a failed write is tried again with the next; a socket waits a second
  std::string backlog_;
  bool inside_line_ = false;  // the first line of the backlog was written in part
  bool failed_ = false;
  std::uint64_t lost_ = 0, written_ = 0;
  std::uint64_t lost_before_ = 0;
  std::chrono::steady_clock::time_point next_try_{};
};

}  // namespace lockstep
