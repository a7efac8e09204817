// One JSON object on one line, appended to a string that its caller reuses. Text that is not UTF-8 stays
// readable: each byte that is out of place becomes the character of that number.
//
//   JsonLine line(buffer);
//   line.field("event_type", "alert");
//   line.open("alert");
//   line.field("gid", 1);
//   line.close();
//   line.finish();  // {"event_type":"alert","alert":{"gid":1}}\n
#pragma once
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

// Keys are the program's own and need no escaping, but for open_list_of().
class JsonLine {
 public:
  explicit JsonLine(std::string& out);
  JsonLine(const JsonLine&) = delete;
  JsonLine& operator=(const JsonLine&) = delete;

  void open(std::string_view key);          // an object
  void open_list(std::string_view key);     // an array
  void open_list_of(std::string_view key);  // an array whose key came from outside
  void open_item();                         // an object in an array
  void close();                             // the innermost of these
  void finish();                            // closes all, ends the line

  void field(std::string_view key, std::string_view value);
  void field(std::string_view key, const char* value) { field(key, std::string_view(value)); }
  void field(std::string_view key, std::same_as<bool> auto value) { raw(key, value ? "true" : "false"); }
  void field(std::string_view key,
             std::unsigned_integral auto value) requires(!std::same_as<decltype(value), bool>) {
    number(key, value);
  }
  void base64(std::string_view key, std::span<const std::uint8_t> bytes);
  void printable(std::string_view key, std::span<const std::uint8_t> bytes);  // others as '.'

  void item(std::string_view value);
  void item(std::uint64_t value);

 private:
  static constexpr std::size_t deepest = 8;
  void separate();
  void begin(std::string_view key, char opening, char closing);
  void key(std::string_view name);
  void raw(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void quote(std::string_view text);

  std::string& out_;
  char closing_[deepest];
  std::size_t depth_ = 0;
};

}  // namespace lockstep
