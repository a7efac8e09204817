#include "engine/cli/summary.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "engine/cli/terminal.hpp"

namespace lockstep {
namespace {

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "0 %"
                    : fmt::format("{:.2f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

class Page {
 public:
  explicit Page(bool colours) : colours_(colours) {}

  void head(std::string_view name, std::string_view text) {
    out_ += painted(fmt::format("{:<12}", name), Colour::bold, colours_);
    out_ += text;
    out_ += '\n';
  }
  // A counted line below a head; `name` is painted.
  void line(std::uint64_t count, std::string_view name, Colour colour, std::string_view text = {}) {
    out_ += fmt::format("{:>14}  {}", grouped(count), painted(name, colour, colours_));
    if (!text.empty()) out_ += fmt::format("  {}", painted(text, Colour::dim, colours_));
    out_ += '\n';
  }
  void error(std::string_view text) {
    out_ += painted("error: ", Colour::red, colours_) + std::string(text) + '\n';
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  bool colours_;
  std::string out_;
};

void put_packets(Page& page, const Counters& counters) {
  const Amount& received = counters.received();
  page.head("packets", fmt::format("{} ({} bytes)", grouped(received.packets), grouped(received.bytes)));
  page.line(counters.forwarded().packets, "forwarded", Colour::green);
  if (counters.rewritten().packets > 0) page.line(counters.rewritten().packets, "rewritten", Colour::yellow);
  if (counters.dropped().packets > 0) page.line(counters.dropped().packets, "dropped", Colour::red);
  if (counters.held().packets > 0) page.line(counters.held().packets, "held", Colour::yellow);
  if (counters.made().packets > 0) page.line(counters.made().packets, "made here", Colour::yellow);
  if (counters.made_in_vain().packets > 0)
    page.line(counters.made_in_vain().packets, "made in vain", Colour::red, "the interface took nothing");
  for (std::size_t i = 0; i < packet_kind_count; ++i) {
    const auto kind = static_cast<PacketKind>(i);
    const std::uint64_t count = counters.kind(kind).packets;
    if (kind != PacketKind::tcp && count > 0) page.line(count, name(kind), Colour::dim);
  }
}

void put_reasons(Page& page, const Counters& counters) {
  std::vector<Reason> seen;
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (counters.reason(reason).packets > 0) seen.push_back(reason);
  }
  if (seen.empty()) return;
  std::stable_sort(seen.begin(), seen.end(), [&](Reason a, Reason b) {
    return counters.reason(a).packets > counters.reason(b).packets;
  });
  page.head("reasons", "of packets that were dropped or rewritten, or malformed");
  for (const Reason reason : seen) {
    const bool dropped = counters.drops(reason).packets > 0;
    page.line(counters.reason(reason).packets, name(reason), dropped ? Colour::red : Colour::yellow,
              text(reason));
  }
}

void put_flows(Page& page, const Counters& counters) {
  const FlowCounters& flow = counters.flow;
  page.head("flows", grouped(flow.total));
  const auto part = [&](std::uint64_t count, std::string_view name, Colour colour,
                        std::string_view text = {}) {
    if (count > 0) page.line(count, name, colour, text);
  };
  part(counters.tcp.adopted, "adopted", Colour::yellow, "in progress when first seen");
  part(flow.dropped, "dropped", Colour::red);
  part(flow.bypass_rule, name(Release::rule), Colour::yellow, "let go by a pass or bypass rule");
  part(flow.bypass_no_rule, name(Release::no_rule), Colour::yellow, "no rule can match them any more");
  part(flow.bypass_encrypted, name(Release::encrypted), Colour::yellow, "both directions are encrypted");
  part(flow.kernel_bypassed, "kernel_bypassed", Colour::yellow, "given to the kernel to be forwarded");
  part(flow.kernel_blocked, "kernel_blocked", Colour::yellow, "given to the kernel to be dropped");
  part(flow.kernel_returned, "kernel_returned", Colour::yellow, "came back from the kernel");
  part(flow.kernel_refused, "kernel_refused", Colour::red, "found no room in the kernel");
  part(flow.timed_out, "timed out", Colour::dim);
  part(flow.given_up, "given up", Colour::red, "for want of room");
}

void put_alerts(Page& page, const Summary& summary) {
  const Counters& counters = summary.counters;
  page.head("alerts", grouped(counters.detect.alerts));
  std::vector<std::pair<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>>> order;
  for (const auto& [rule, count] : counters.alerts()) order.emplace_back(count, rule);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [count, id] : order) {
    const auto rule =
        std::find_if(summary.rules.begin(), summary.rules.end(),
                     [&id = id](const signatures::Rule& r) { return std::pair(r.id.gid, r.id.sid) == id; });
    const std::string_view message = rule == summary.rules.end() ? std::string_view{} : rule->message;
    page.line(count, fmt::format("{}:{}", id.first, id.second), Colour::red, message);
  }
}

void put_honesty(Page& page, const Counters& counters) {
  const FlowCounters& flow = counters.flow;
  page.head("gaps",
            fmt::format("{} ({})", grouped(counters.tcp.gaps), counted(counters.tcp.gap_bytes, "byte")));
  const std::uint64_t diverged = counters.reason(Reason::diverged).packets;
  page.head("diverged",
            fmt::format("{} ({}) in {} ({}): the captured hosts went another way",
                        counted(diverged, "packet"), percent(diverged, counters.received().packets),
                        counted(flow.diverged, "flow"), percent(flow.diverged, flow.total)));
  page.head("capture gap",
            fmt::format("{} ({}): the capture lacks bytes that were acknowledged",
                        counted(flow.with_capture_gap, "flow"), percent(flow.with_capture_gap, flow.total)));
}

}  // namespace

std::string to_string(const SideSummary& side, bool colours) {
  Page page(colours);
  std::uint64_t all = 0;
  for (const ls_count& count : side.kernel) all += count.packets;
  page.head(side.interface, fmt::format("{} in the kernel", counted(all, "frame")));
  const auto part = [&](std::uint64_t count, std::string_view name, Colour colour,
                        std::string_view text = {}) {
    if (count > 0) page.line(count, name, colour, text);
  };
  part(side.kernel[LS_TO_ENGINE].packets, "to the engine", Colour::green);
  part(side.received, "received there", Colour::green);
  part(side.lost, "lost on the way there", Colour::red, "see the reasons above");
  part(side.kernel[LS_FORWARDED].packets, "forwarded", Colour::green);
  part(side.kernel[LS_FORWARDED_BYPASS].packets, "of flows that were let go", Colour::green);
  part(side.kernel[LS_FORWARDED_ALLOWED].packets, "of allowed prefixes", Colour::green);
  part(side.kernel[LS_FORWARDED_OPEN].packets, "in the engine's stead", Colour::green);
  part(side.refused, name(Reason::egress_refused), Colour::red, "at most: the interfaces' own account");
  for (std::size_t what = LS_DROPPED; what < LS_COUNTED; ++what)
    part(side.kernel[what].packets, name(kernel_reason(what)), Colour::red, text(kernel_reason(what)));
  if (!side.balanced())
    page.error(fmt::format("counters: {}: {} frames to the engine are not {} received + {} lost",
                           side.interface, side.kernel[LS_TO_ENGINE].packets, side.received, side.lost));
  return page.take();
}

std::string grouped(std::uint64_t number) {
  std::string out = fmt::format("{}", number);
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3) {
    out.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return out;
}

std::string to_string(const Summary& summary, bool colours) {
  Page page(colours);
  put_packets(page, summary.counters);
  put_reasons(page, summary.counters);
  put_flows(page, summary.counters);
  put_alerts(page, summary);
  put_honesty(page, summary.counters);
  if (summary.taken && summary.taken->count() > 0) {
    const double seconds = summary.taken->count();
    const Amount& received = summary.counters.received();
    page.head(
        "speed",
        fmt::format(
            "{:.2f} Gbit/s, {} packets/s in {:.2f} s", static_cast<double>(received.bytes) * 8e-9 / seconds,
            grouped(static_cast<std::uint64_t>(static_cast<double>(received.packets) / seconds)), seconds));
  }
  for (const std::string& imbalance : summary.counters.imbalances()) page.error("counters: " + imbalance);
  return page.take();
}

}  // namespace lockstep
