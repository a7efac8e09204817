// A file that only grows, written in large pieces.
#pragma once
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace lockstep {

class LogFile {
 public:
  // Starts an empty file. The error names the file, what is wrong and the remedy.
  [[nodiscard]] static tl::expected<LogFile, std::string> create(const std::string& path);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  ~LogFile();

  // Put a line at the end of this, then call written().
  [[nodiscard]] std::string& buffer() { return buffer_; }
  // Writes the buffer out when it is large. The first failure is logged; all later lines are lost.
  void written();

  // Writes the rest and closes. False if anything was lost since the file was created.
  [[nodiscard]] bool finish();

 private:
  LogFile(std::string path, int file);
  void flush();
  void fail(int error);

  std::string path_;
  std::string buffer_;
  int file_ = -1;
  bool failed_ = false;
};

}  // namespace lockstep
