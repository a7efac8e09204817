// Where the records of TLS that carry application data begin in one direction (RFC 8446 §5.1, RFC 5246
// §6.2.1): from there on the bytes are encrypted, by their own word. Takes the direction's bytes in order, in
// any cuts. Two integers; no allocation.
#pragma once
#include <cstdint>
#include <span>

namespace lockstep::signatures {

class TlsRecords {
 public:
  void take(std::span<const std::uint8_t> bytes);
  void skip() {  // some bytes do not come
    if (state_ == State::records) state_ = State::lost;
  }
  [[nodiscard]] bool encrypted() const { return state_ == State::encrypted; }

 private:
  enum class State : std::uint8_t { records, encrypted, lost };
  State state_ = State::records;
  std::uint8_t in_header_ = 0;   // bytes of the header that have come
  std::uint16_t remaining_ = 0;  // of the record
};

}  // namespace lockstep::signatures
