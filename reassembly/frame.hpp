// One frame as a port hands it over. The bytes belong to the port and stay valid and in place until the port
// is told the frame's verdict; they may be edited in place until then.
#pragma once
#include <cstdint>
#include <span>

#include "reassembly/time.hpp"

namespace lockstep::reassembly {

enum class LinkType : std::uint8_t { ethernet, raw_ip, linux_sll, linux_sll2, null_loopback };

struct Frame {
  std::span<std::uint8_t> bytes;
  std::uint32_t wire_length = 0;  // bytes on the wire; more than bytes.size() if the capture cut the frame
  LinkType link = LinkType::ethernet;
  Timestamp time{};
  std::uint64_t number = 0;  // counts from 1 over all input of a run
  std::uint16_t port =
      0;  // where it came in; ports 2n (outside) and 2n+1 (inside) are a pair, 0 if not known
};

}  // namespace lockstep::reassembly
