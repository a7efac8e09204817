// JSON objects out of a stream of bytes, one after the other. Newlines between them are not needed: some
// clients send none behind their first message. Finds where an object ends; whether it is sound its parser
// says.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep {

class MessageReader {
 public:
  static constexpr std::size_t longest = 64 * 1024;

  void feed(std::string_view bytes) { bytes_ += bytes; }

  // The next object, whole. Nothing: more must come.
  [[nodiscard]] std::optional<std::string> next();
  // What came is no object, or one longer than `longest`: nothing more will be found.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;  // looked at so far
  std::size_t depth_ = 0;
  bool in_string_ = false, escaped_ = false, broken_ = false;
};

}  // namespace lockstep
