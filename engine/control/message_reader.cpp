#include "engine/control/message_reader.hpp"

namespace lockstep {

std::optional<std::string> MessageReader::next() {
  for (; !broken_ && at_ < bytes_.size(); ++at_) {
    const char c = bytes_[at_];
    if (depth_ == 0) {
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
      bytes_.erase(0, at_);
      at_ = 0;
      broken_ = c != '{';
      depth_ = 1;
      continue;
    }
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) {
      std::string object = bytes_.substr(0, at_ + 1);
      bytes_.erase(0, at_ + 1);
      at_ = 0;
      return object;
    }
  }
  if (depth_ == 0) {
    bytes_.clear();
    at_ = 0;
  }
  broken_ = broken_ || bytes_.size() > longest;
  return std::nullopt;
}

}  // namespace lockstep
