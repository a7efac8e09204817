// Options that read or write state: flowbits, flowint, xbits, stream_size and the flow's counters.
#include <algorithm>

#include "signatures/conditions.hpp"

namespace lockstep::signatures {
namespace {

HostBit host_bit(const Xbits& option, const PacketFields& packet) {
  return {option.bit, option.track, packet.source, packet.destination};
}

// Reading half: options that only write hold.
struct StateHolds {
  const MatchContext& context;

  bool operator()(const Flowbits& option) const {
    const auto is_set = [&](std::uint32_t bit) { return context.flow.bit(bit); };
    if (option.op == BitOp::is_set) return std::any_of(option.bits.begin(), option.bits.end(), is_set);
    if (option.op != BitOp::is_not_set) return true;
    return std::any_of(option.bits.begin(), option.bits.end(),
                       [&](std::uint32_t bit) { return !is_set(bit); });
  }

  bool operator()(const Xbits& option) const {
    if (option.op != BitOp::is_set && option.op != BitOp::is_not_set) return true;
    const bool set = context.hosts != nullptr &&
                     context.hosts->is_set(host_bit(option, context.packet), context.packet.time);
    return set == (option.op == BitOp::is_set);
  }

  bool operator()(const Flowint& option) const {
    const auto have = context.flow.integer(option.variable);
    switch (option.op) {
      case Flowint::Op::assign:
      case Flowint::Op::add:
      case Flowint::Op::subtract:
        return true;
      case Flowint::Op::is_set:
        return have.has_value();
      case Flowint::Op::is_not_set:
        return !have.has_value();
      default:
        break;
    }
    const auto want =
        option.other < 0 ? option.value : context.flow.integer(static_cast<std::uint32_t>(option.other));
    return have && want && compare(option.op, *have, *want);
  }

  bool operator()(const StreamSize& option) const {
    const auto holds = [&](std::uint64_t size) { return option.size.matches(size & 0xffffffffU); };
    return sides(option.side == StreamSize::Side::client, option.side == StreamSize::Side::server,
                 option.side == StreamSize::Side::either, holds(context.packet.stream_size_client),
                 holds(context.packet.stream_size_server)) &&
           context.packet.has_flow;
  }

  bool operator()(const FlowCounter& option) const {
    const PacketFields& packet = context.packet;
    if (!packet.has_flow) return false;
    if (option.what == FlowCounter::What::age)
      return option.value.matches(
          static_cast<std::uint64_t>(std::max<std::int64_t>(packet.flow_age.count(), 0)));
    const bool bytes = option.what == FlowCounter::What::bytes;
    const bool to_server =
        option.value.matches(bytes ? packet.flow_bytes_to_server : packet.flow_packets_to_server);
    const bool to_client =
        option.value.matches(bytes ? packet.flow_bytes_to_client : packet.flow_packets_to_client);
    return sides(option.side == FlowCounter::Side::to_server, option.side == FlowCounter::Side::to_client,
                 option.side == FlowCounter::Side::either, to_server, to_client);
  }

 private:
  static bool compare(Flowint::Op op, std::uint32_t left, std::uint32_t right) {
    switch (op) {
      case Flowint::Op::equal:
        return left == right;
      case Flowint::Op::not_equal:
        return left != right;
      case Flowint::Op::less:
        return left < right;
      case Flowint::Op::less_equal:
        return left <= right;
      case Flowint::Op::greater:
        return left > right;
      case Flowint::Op::greater_equal:
        return left >= right;
      default:
        return false;
    }
  }

  static bool sides(bool only_first, bool only_second, bool either, bool first, bool second) {
    if (only_first) return first;
    if (only_second) return second;
    return either ? first || second : first && second;
  }
};

// Writing half: options that only read change nothing.
struct StateWritten {
  const MatchContext& context;

  bool operator()(const Flowbits& option) const {
    bool changed = false;
    for (const std::uint32_t bit : option.bits) {
      if (option.op == BitOp::set) changed = context.flow.set_bit(bit, true) || changed;
      if (option.op == BitOp::unset) changed = context.flow.set_bit(bit, false) || changed;
      if (option.op == BitOp::toggle) changed = context.flow.set_bit(bit, !context.flow.bit(bit)) || changed;
    }
    return changed;
  }

  bool operator()(const Xbits& option) const {
    if (context.hosts == nullptr) return false;
    const HostBit bit = host_bit(option, context.packet);
    const Timestamp now = context.packet.time;
    const bool set =
        option.op == BitOp::set || (option.op == BitOp::toggle && !context.hosts->is_set(bit, now));
    const bool unset = option.op == BitOp::unset || (option.op == BitOp::toggle && !set);
    if (set) context.hosts->set(bit, now, option.expire);
    if (unset) context.hosts->unset(bit);
    return set || unset;
  }

  bool operator()(const Flowint& option) const {
    const auto operand =
        option.other < 0 ? option.value : context.flow.integer(static_cast<std::uint32_t>(option.other));
    if (!operand) return false;
    // A sum starts from nothing: an integer that was never written counts as 0.
    const std::uint32_t have = context.flow.integer(option.variable).value_or(0);
    switch (option.op) {
      case Flowint::Op::assign:
        context.flow.set_integer(option.variable, *operand);
        return true;
      case Flowint::Op::add:
        context.flow.set_integer(option.variable, have + *operand);
        return true;
      case Flowint::Op::subtract:
        context.flow.set_integer(option.variable, have - *operand);
        return true;
      default:
        return false;
    }
  }

  bool operator()(const StreamSize&) const { return false; }
  bool operator()(const FlowCounter&) const { return false; }
};

}  // namespace

bool state_holds(const Rule& rule, const MatchContext& context) {
  return std::all_of(rule.state.begin(), rule.state.end(),
                     [&](const StateOption& option) { return std::visit(StateHolds{context}, option); });
}

bool write_state(const Rule& rule, const MatchContext& context) {
  bool changed = false;
  for (const StateOption& option : rule.state) changed = std::visit(StateWritten{context}, option) || changed;
  return changed;
}

}  // namespace lockstep::signatures
