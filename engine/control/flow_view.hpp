// One connection as the control socket tells it: copied by the worker that has it, put into words elsewhere.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/flow.hpp"
#include "signatures/app_protocol.hpp"

namespace lockstep {

struct FlowView {
  // One host as the receiver of its peer's stream; offsets are those of the stream.
  struct Receiver {
    reassembly::StreamOffset acknowledged = 0, in_order = 0;
    std::optional<reassembly::StreamOffset> window_edge, end;
    std::uint32_t max_window = 0, holes = 0, bytes_ahead = 0;
    std::uint8_t window_shift = 0;
    bool reset_possible = false, gap = false;
  };

  explicit FlowView(const Flow& flow);

  std::uint64_t id = 0;
  reassembly::Endpoint client, server;
  std::array<std::uint16_t, 3> vlan{};
  reassembly::Timestamp start{}, last{};
  std::array<std::uint64_t, 2> packets{}, bytes{};  // by Direction
  reassembly::TcpState client_state, server_state;
  bool established = false, adopted = false, alerted = false;
  std::uint64_t generation = 0;  // of the rules that inspect it; 0: none
  signatures::AppProtocol app_proto = signatures::AppProtocol::unknown;
  Final verdict = Final::none;
  Reason reason = Reason::none;
  Release release = Release::none;
  std::uint32_t dropped_by = 0;
  // Inspection::matched; gone once a decided connection's rules have been reloaded.
  std::vector<signatures::RuleId> matched;
  std::array<Receiver, 2> receivers;  // of what goes to the server, to the client
};

// `pair`: "A:B". In a line: what a list of many tells.
[[nodiscard]] nlohmann::json to_line(const FlowView& flow, const std::string& pair);
[[nodiscard]] nlohmann::json to_json(const FlowView& flow, const std::string& pair);

}  // namespace lockstep
