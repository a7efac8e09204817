#include "reassembly/overlap.hpp"

#include <algorithm>
#include <array>

#include "reassembly/linux_queue.hpp"
#include "reassembly/rule_queue.hpp"

namespace lockstep::reassembly {
namespace {

// The likelier first: where there are too many readings, these are the ones that are listed.
constexpr std::array models{
    HostModel{HostQueue::linux_coalescing, true},
    HostModel{HostQueue::linux_plain, true},
    HostModel{HostQueue::linux_tail, true},
    HostModel{HostQueue::bsd, true},
    HostModel{HostQueue::last, true},
    HostModel{HostQueue::first, true},
    HostModel{HostQueue::bsd_whole, true},
    HostModel{HostQueue::solaris, true},
    HostModel{HostQueue::solaris_whole, true},
    HostModel{HostQueue::old_linux, true},
    HostModel{HostQueue::old_linux_whole, true},
    HostModel{HostQueue::linux_rule, true},
    HostModel{HostQueue::linux_rule_whole, true},
    HostModel{HostQueue::linux_coalescing, false},
    HostModel{HostQueue::linux_plain, false},
    HostModel{HostQueue::linux_tail, false},
    HostModel{HostQueue::bsd, false},
    HostModel{HostQueue::last, false},
    HostModel{HostQueue::first, false},
    HostModel{HostQueue::bsd_whole, false},
    HostModel{HostQueue::solaris, false},
    HostModel{HostQueue::solaris_whole, false},
    HostModel{HostQueue::old_linux, false},
    HostModel{HostQueue::old_linux_whole, false},
    HostModel{HostQueue::linux_rule, false},
    HostModel{HostQueue::linux_rule_whole, false},
};
static_assert(models.size() <= 32, "a ModelSet has a bit for each");

std::vector<Piece> read_by_linux(LinuxQueue::Coalescing coalescing, bool delivers,
                                 std::span<const Arrival> arrivals) {
  std::vector<Piece> read;
  LinuxQueue queue(arrivals, coalescing, delivers, read);
  for (std::uint32_t i = 0; i < arrivals.size(); ++i) queue.take(i);
  queue.finish();
  return read;
}

std::vector<Piece> read_by_rule(OverlapRule rule, bool trimmed, bool delivers,
                                std::span<const Arrival> arrivals) {
  RuleQueue queue(arrivals, rule, trimmed, delivers);
  for (std::uint32_t i = 0; i < arrivals.size(); ++i) queue.take(i);
  return queue.pieces();
}

std::vector<std::uint8_t> bytes_of(Run run, std::span<const Piece> pieces,
                                   std::span<const Arrival> arrivals) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(run.end - run.begin));
  for (const Piece& piece : pieces) {
    const Arrival& arrival = arrivals[piece.arrival];
    const StreamOffset bytes_end = arrival.bytes_at + static_cast<StreamOffset>(arrival.bytes.size());
    const StreamOffset begin = std::max({piece.begin, run.begin, arrival.bytes_at});
    const StreamOffset end = std::min({piece.end, run.end, bytes_end});
    if (begin >= end) continue;
    std::copy_n(arrival.bytes.begin() + (begin - arrival.bytes_at), end - begin,
                bytes.begin() + (begin - run.begin));
  }
  return bytes;
}

void add_reading(RunReadings& to, std::vector<std::uint8_t> bytes, ModelSet model,
                 const ReadingLimits& limits) {
  for (Reading& reading : to.readings) {
    if (reading.bytes == bytes) {
      reading.models |= model;
      return;
    }
  }
  if (to.readings.size() >= std::max<std::size_t>(limits.most, 1)) {
    to.too_many = true;
  } else {
    to.readings.push_back({std::move(bytes), model});
  }
}

}  // namespace

std::string_view name(OverlapPolicy policy) {
  return overlap_policy_names[static_cast<std::size_t>(policy)];
}

std::optional<OverlapPolicy> overlap_policy_from_name(std::string_view name) {
  for (std::size_t i = 0; i < overlap_policy_count; ++i)
    if (overlap_policy_names[i] == name) return static_cast<OverlapPolicy>(i);
  return std::nullopt;
}

std::string_view name(HostQueue queue) {
  constexpr std::array<std::string_view, 13> names{"linux-coalescing",
                                                   "linux-tail",
                                                   "linux-plain",
                                                   "first",
                                                   "last",
                                                   "bsd",
                                                   "bsd-whole",
                                                   "old-linux",
                                                   "old-linux-whole",
                                                   "linux-rule",
                                                   "linux-rule-whole",
                                                   "solaris",
                                                   "solaris-whole"};
  return names[static_cast<std::size_t>(queue)];
}

std::span<const HostModel> all_host_models() {
  return models;
}

HostModel host_model(OverlapPolicy policy) {
  switch (policy) {
    case OverlapPolicy::linux:
      return {HostQueue::linux_coalescing, true};
    case OverlapPolicy::bsd:
    case OverlapPolicy::hpux10:
    case OverlapPolicy::irix:
    case OverlapPolicy::macos:
    case OverlapPolicy::windows:
    case OverlapPolicy::windows2k3:
      return {HostQueue::bsd, true};
    case OverlapPolicy::old_linux:
      return {HostQueue::old_linux_whole, true};
    case OverlapPolicy::solaris:
    case OverlapPolicy::hpux11:
      return {HostQueue::solaris_whole, true};
    case OverlapPolicy::last:
      return {HostQueue::last, true};
    case OverlapPolicy::bsd_right:
    case OverlapPolicy::old_solaris:
    case OverlapPolicy::vista:
    case OverlapPolicy::first:
      return {HostQueue::first, true};
  }
  return {};
}

bool same_kind(const HostModel& a, const HostModel& b) {
  const auto kind = [](HostQueue queue) {
    switch (queue) {
      case HostQueue::linux_tail:
      case HostQueue::linux_plain:
        return HostQueue::linux_coalescing;
      case HostQueue::bsd_whole:
        return HostQueue::bsd;
      case HostQueue::old_linux_whole:
        return HostQueue::old_linux;
      case HostQueue::linux_rule_whole:
        return HostQueue::linux_rule;
      case HostQueue::solaris_whole:
        return HostQueue::solaris;
      default:
        return queue;
    }
  };
  return kind(a.queue) == kind(b.queue);
}

std::vector<Piece> read_as(HostModel model, std::span<const Arrival> arrivals) {
  const bool delivers = model.delivers;
  switch (model.queue) {
    case HostQueue::linux_coalescing:
      return read_by_linux(LinuxQueue::Coalescing::always, delivers, arrivals);
    case HostQueue::linux_tail:
      return read_by_linux(LinuxQueue::Coalescing::with_last, delivers, arrivals);
    case HostQueue::linux_plain:
      return read_by_linux(LinuxQueue::Coalescing::never, delivers, arrivals);
    case HostQueue::first:
      return read_by_rule(OverlapRule::first, true, delivers, arrivals);
    case HostQueue::last:
      return read_by_rule(OverlapRule::last, true, delivers, arrivals);
    case HostQueue::bsd:
    case HostQueue::bsd_whole:
      return read_by_rule(OverlapRule::bsd, model.queue == HostQueue::bsd, delivers, arrivals);
    case HostQueue::old_linux:
    case HostQueue::old_linux_whole:
      return read_by_rule(OverlapRule::old_linux, model.queue == HostQueue::old_linux, delivers, arrivals);
    case HostQueue::linux_rule:
    case HostQueue::linux_rule_whole:
      return read_by_rule(OverlapRule::linux_rule, model.queue == HostQueue::linux_rule, delivers, arrivals);
    case HostQueue::solaris:
    case HostQueue::solaris_whole:
      return read_by_rule(OverlapRule::solaris, model.queue == HostQueue::solaris, delivers, arrivals);
  }
  return {};
}

std::vector<RunReadings> readings(std::span<const Arrival> arrivals, std::span<const Run> runs,
                                  OverlapPolicy policy, ReadingLimits limits) {
  std::vector<RunReadings> all;
  all.reserve(runs.size());
  for (const Run& run : runs) all.push_back({run, {}, run.end - run.begin > limits.longest_run});

  const HostModel own = host_model(policy);
  const auto read = [&](const HostModel& model) {
    const auto bit =
        ModelSet{1} << static_cast<unsigned>(std::find(models.begin(), models.end(), model) - models.begin());
    const std::vector<Piece> pieces = read_as(model, arrivals);
    for (RunReadings& of : all) {
      if (of.too_many && model != own) continue;
      add_reading(of, bytes_of(of.run, pieces, arrivals), bit, limits);
    }
  };
  read(own);
  for (const HostModel& model : models) {
    if (model != own && !(limits.named && !same_kind(model, own))) read(model);
  }
  return all;
}

}  // namespace lockstep::reassembly
