// A regular file, a piece at a time, in a buffer of a megabyte that may be written to.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

class FileWindow {
 public:
  static constexpr std::size_t size = std::size_t{1} << 20;

  // None if it is no regular file, can't be opened or is empty. The buffer is given to be used again.
  [[nodiscard]] static std::optional<FileWindow> open(const std::string& path,
                                                      std::vector<std::uint8_t> buffer);

  FileWindow(FileWindow&& other) noexcept;
  FileWindow& operator=(FileWindow&& other) noexcept;
  ~FileWindow();

  // What was read and not consumed.
  [[nodiscard]] std::span<std::uint8_t> data() { return std::span(buffer_).subspan(begin_, end_ - begin_); }
  void consume(std::size_t bytes) { begin_ += bytes; }  // at most data().size()

  // Reads on; false at the end of the file. Moves data(): spans into it become invalid.
  [[nodiscard]] bool refill();

  [[nodiscard]] std::uint64_t position() const { return read_ - (end_ - begin_); }
  [[nodiscard]] std::vector<std::uint8_t> take_buffer() { return std::move(buffer_); }

 private:
  FileWindow() = default;

  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t read_ = 0;
  int file_ = -1;
};

}  // namespace lockstep
