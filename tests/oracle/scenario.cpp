#include "tests/oracle/scenario.hpp"

#include <fmt/format.h>

#include "engine/transcript.hpp"

namespace lockstep::oracle {
namespace {

std::string_view name(From from) {
  switch (from) {
    case From::isn:
      return "isn";
    case From::start:
      return "start";
    case From::acked:
      return "acked";
    case From::edge:
      return "edge";
    case From::sack:
      return "sack";
  }
  return "start";
}

std::string_view name(Step::Kind kind) {
  switch (kind) {
    case Step::Kind::packet:
      return "packet";
    case Step::Kind::catch_up:
      return "sends what the host lacks";
    case Step::Kind::reads:
      return "application reads";
    case Step::Kind::writes:
      return "application writes";
    case Step::Kind::half_closes:
      return "application ends its stream";
    case Step::Kind::closes:
      return "application closes";
    case Step::Kind::pauses:
      return "pause";
    case Step::Kind::sleeps:
      return "the host's clock goes on";
    case Step::Kind::reopens:
      return "a new connection";
    case Step::Kind::connects:
      return "application connects";
    case Step::Kind::keeps_urgent:
      return "application wants urgent bytes in line";
  }
  return "packet";
}

std::string_view name(Step::Pieces pieces) {
  switch (pieces) {
    case Step::Pieces::in_order:
      return "in order";
    case Step::Pieces::reversed:
      return "reversed";
    case Step::Pieces::twice:
      return "twice";
    case Step::Pieces::overlapping:
      return "overlapping";
    case Step::Pieces::first_missing:
      return "without the first";
    case Step::Pieces::two_ends:
      return "with two ends";
  }
  return "in order";
}

std::string oddities(const Step& step) {
  std::string text;
  const auto add = [&](bool is, std::string_view what) {
    if (is) text += fmt::format(" {}", what);
  };
  add(step.window.has_value(), fmt::format("win {}", step.window.value_or(0)));
  add(step.urgent != 0, fmt::format("urg {}", step.urgent));
  add(!step.timestamps, "no-timestamps");
  add(step.value_delta != 0, fmt::format("tsval{:+}", step.value_delta));
  add(step.echo_delta != 0, fmt::format("tsecr{:+}", step.echo_delta));
  add(!step.options.empty(), fmt::format("options {:02x}", fmt::join(step.options, " ")));
  add(step.reserved != 0, "reserved-bits");
  add(step.bad_checksum, "bad-checksum");
  add(step.bad_ip_checksum, "bad-ip-checksum");
  add(step.data_offset != 0, fmt::format("data-offset{:+}", step.data_offset));
  add(step.ip_length != 0, fmt::format("ip-length{:+}", step.ip_length));
  add(!step.ip_options.empty(), fmt::format("ip-options {:02x}", fmt::join(step.ip_options, " ")));
  add(step.tos != 0, fmt::format("tos {}", step.tos));
  add(!step.trailer.empty(), "trailer");
  add(step.ttl.has_value(), fmt::format("ttl {}", step.ttl.value_or(0)));
  add(!step.fragments.empty(),
      fmt::format("fragments {} {}", fmt::join(step.fragments, ","), name(step.pieces)));
  add(step.lost, "lost-behind-the-engine");
  add(step.lost_before, "lost");
  add(step.answers_lost, "answers-lost");
  add(step.answers_lost_late, "answers-lost-beyond-the-engine");
  add(step.known != 0, fmt::format("known {}", step.known));
  add(step.as_host, "in-the-host's-name");
  add(step.forged, "forged");
  return text;
}

}  // namespace

std::string to_string(const Step& step) {
  if (step.kind != Step::Kind::packet) {
    return fmt::format("{} {}{}", name(step.kind), step.size,
                       step.seq != 0 ? fmt::format(" isn{:+}", step.seq) : "");
  }
  const std::span<const std::uint8_t> payload(reinterpret_cast<const std::uint8_t*>(step.payload.data()),
                                              step.payload.size());
  return fmt::format("{:<4} {}{:+}({}) ack {}{:+} {}{}",
                     reassembly::to_string(reassembly::TcpFlags{static_cast<std::uint8_t>(step.flags)}),
                     name(step.from), step.seq, step.payload.size(), step.acks == Acks::next ? "next" : "isn",
                     step.ack, step.payload.empty() ? "" : quoted(payload, 60), oddities(step));
}

std::string to_string(const Scenario& scenario) {
  std::string text = fmt::format(
      "scenario {:#018x} {}: {} {} port {} isn {}{}{}{}, stream {}\n", scenario.seed, scenario.family,
      scenario.ipv6 ? "IPv6" : "IPv4", scenario.host_connects ? "hostile server" : "hostile client",
      static_cast<unsigned>(scenario.service), scenario.isn, scenario.timestamps ? " timestamps" : "",
      scenario.sack ? " sack" : "",
      scenario.window_scale ? fmt::format(" window-scale {}", *scenario.window_scale) : "",
      scenario.stream.size());
  for (const Step& step : scenario.steps) text += "  " + to_string(step) + "\n";
  return text;
}

}  // namespace lockstep::oracle
