// Segment + Edits → a changed frame, in place. Header words are followed by the checksums incrementally (RFC
// 1624), so that damage on the way stays visible; where payload is cut, replaced or dropped the TCP checksum
// is made anew.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "reassembly/edits.hpp"
#include "reassembly/frame.hpp"
#include "reassembly/segment.hpp"

namespace lockstep::reassembly {

// Carries out `edits` on the frame (or datagram) that decoded to `segment` and returns the frame's new
// length, which is never larger. With payload_changed the new bytes stand in segment.payload already.
// trim_front + trim_back must not exceed the payload. trim_front moves the sequence number and the bytes that
// stay; on a SYN it must be 0 or the whole payload, and the number stays. to_bare overrides every other
// edit: no payload, no options, those flags alone. Link padding goes when the packet gets shorter, but for
// what Ethernet's 60 bytes need if the frame had them. `segment` describes the old frame afterwards: decode
// again to go on with the new one.
[[nodiscard]] std::size_t rewrite(const Frame& frame, const Segment& segment, const Edits& edits);

// Makes the IP packet at `ip` end at `end`: its length and header checksum, and the length of the PPPoE
// header at `pppoe` unless 0. Touches nothing else.
void set_packet_end(std::uint8_t* frame, std::uint32_t ip, std::uint32_t pppoe, std::uint32_t end);

// Length of a frame whose IP packet was cut to end at `end`: Ethernet's minimum if the frame of
// `former_length` had it, the bytes behind `end` zeroed.
[[nodiscard]] std::size_t pad_frame(std::span<std::uint8_t> bytes, LinkType link, std::size_t end,
                                    std::size_t former_length);

}  // namespace lockstep::reassembly
