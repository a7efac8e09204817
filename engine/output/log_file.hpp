// A file that only grows, written in large pieces.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "engine/output/outlet.hpp"

namespace lockstep {

class LogFile final : public Outlet {
 public:
  // Starts an empty file. The error names the file, what is wrong and the remedy.
  [[nodiscard]] static tl::expected<std::unique_ptr<LogFile>, std::string> create(const std::string& path);

  ~LogFile() override;

  [[nodiscard]] std::string& buffer() override { return buffer_; }
  // Writes the buffer out when it is large. The first failure is logged; all later lines are lost.
  void written(EventType type) override;

  // Writes the rest and closes. False if anything was lost since the file was created.
  [[nodiscard]] bool finish() override;

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
