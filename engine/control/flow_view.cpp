#include "engine/control/flow_view.hpp"

#include <fmt/format.h>

#include "engine/control/report_json.hpp"
#include "engine/output/text.hpp"
#include "engine/reporter.hpp"

namespace lockstep {
namespace {

using nlohmann::json;
using reassembly::HostMirror;

FlowView::Receiver receiver(const Flow& flow, Direction direction) {
  const HostMirror& mirror = flow.session.receiver(direction);
  FlowView::Receiver view;
  view.acknowledged = mirror.rcv_nxt_min;
  view.in_order = mirror.bytes.in_order();
  if (mirror.rcv_edge() != HostMirror::none) view.window_edge = mirror.rcv_edge();
  if (mirror.fin != HostMirror::none) view.end = mirror.fin;
  view.max_window = mirror.max_window;
  view.holes = mirror.bytes.island_count();
  view.bytes_ahead = mirror.bytes.bytes_ahead();
  view.window_shift = mirror.window_shift;
  view.reset_possible = mirror.reset_possible;
  view.gap = flow.gap.has(direction);
  return view;
}

std::string text(const reassembly::Endpoint& end) {
  const std::string address = full_text(end.address);
  return end.address.version == 6 ? fmt::format("[{}]:{}", address, end.port)
                                  : fmt::format("{}:{}", address, end.port);
}

std::string_view name(Final verdict) {
  switch (verdict) {
    case Final::none:
      return "inspected";
    case Final::dropped:
      return "dropped";
    case Final::passed:
      return "passed";
    case Final::bypassed:
      return "bypassed";
    case Final::diverged:
      break;
  }
  return "diverged";
}

json to_json(const FlowView::Receiver& view) {
  const auto offset = [](const std::optional<reassembly::StreamOffset>& at) {
    return at ? json(*at) : json(nullptr);
  };
  return {{"acknowledged", view.acknowledged},
          {"in_order", view.in_order},
          {"window_edge", offset(view.window_edge)},
          {"end", offset(view.end)},
          {"max_window", view.max_window},
          {"window_shift", view.window_shift},
          {"holes", view.holes},
          {"bytes_ahead", view.bytes_ahead},
          {"reset_possible", view.reset_possible},
          {"gap", view.gap}};
}

}  // namespace

FlowView::FlowView(const Flow& flow)
    : id(event_id(flow)),
      client(flow.client()),
      server(flow.server()),
      vlan(flow.key.vlan),
      start(flow.start),
      last(flow.last_seen()),
      packets{flow.packets[0], flow.packets[1]},
      bytes(flow.bytes),
      client_state(flow.session.state_of_sender(Direction::to_server)),
      server_state(flow.session.state_of_sender(Direction::to_client)),
      established(flow.session.established()),
      adopted(flow.session.adopted()),
      alerted(flow.alerted),
      verdict(flow.final_verdict),
      reason(flow.final_reason),
      release(flow.release),
      dropped_by(flow.dropped_by),
      receivers{receiver(flow, Direction::to_server), receiver(flow, Direction::to_client)} {
  if (!flow.inspection) return;
  generation = flow.inspection->rules->number();
  app_proto = flow.inspection->protocols.flow();
  matched = flow.inspection->matched;
}

json to_line(const FlowView& flow, const std::string& pair) {
  return {{"flow_id", flow.id},
          {"pair", pair},
          {"client", text(flow.client)},
          {"server", text(flow.server)},
          {"state", name(flow.client_state)},
          {"verdict", name(flow.verdict)},
          {"packets", flow.packets[0] + flow.packets[1]},
          {"bytes", flow.bytes[0] + flow.bytes[1]},
          {"start", TimeText().iso(flow.start)}};
}

json to_json(const FlowView& flow, const std::string& pair) {
  json all = to_line(flow, pair);
  all["state"] = {{"client", name(flow.client_state)}, {"server", name(flow.server_state)}};
  all["packets"] = {{"to_server", flow.packets[0]}, {"to_client", flow.packets[1]}};
  all["bytes"] = {{"to_server", flow.bytes[0]}, {"to_client", flow.bytes[1]}};
  all["vlan"] = json::array();
  for (const std::uint16_t vlan : flow.vlan) {
    if (vlan != 0) all["vlan"].push_back(vlan);
  }
  all["last"] = TimeText().iso(flow.last);
  all["established"] = flow.established;
  all["adopted"] = flow.adopted;
  all["alerted"] = flow.alerted;
  all["generation"] = flow.generation;
  all["app_proto"] = signatures::name(flow.app_proto);
  all["reason"] = lockstep::name(flow.reason);
  all["release"] = lockstep::name(flow.release);
  all["dropped_by"] = flow.dropped_by;
  all["matched"] = to_json(flow.matched);
  all["server_receives"] = to_json(flow.receivers[0]);
  all["client_receives"] = to_json(flow.receivers[1]);
  return all;
}

}  // namespace lockstep
