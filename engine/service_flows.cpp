// Service: connections and lists of addresses.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "engine/control/flow_view.hpp"
#include "engine/reporter.hpp"
#include "engine/service.hpp"

namespace lockstep {
namespace {

using nlohmann::json;

constexpr std::size_t most_flows = 10'000;  // of an answer
constexpr std::size_t slice = 64;           // connections that a worker looks at between two batches
constexpr std::string_view busy = "a worker has no room for another question; ask again";
constexpr std::string_view silent = "a worker did not answer";

template <class T>
using Answers = std::vector<std::future<T>>;

// Whether all have answered. Once.
template <class T>
bool ready(const Answers<T>& answers) {
  for (const std::future<T>& answer : answers) {
    if (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
  }
  return true;
}

// `finish` puts the answers of all workers into one.
template <class T, class Finish>
PendingAnswer all_of(Answers<T>&& answers, Finish finish) {
  auto shared = std::make_shared<Answers<T>>(std::move(answers));
  return [shared, finish]() -> std::optional<ControlAnswer> {
    if (!ready(*shared)) return std::nullopt;
    try {
      return finish(*shared);
    } catch (const std::future_error&) {
      return tl::unexpected(std::string(silent));
    }
  };
}

struct Search {
  std::optional<std::shared_ptr<const AddressLists>> within;  // an address of either end; none: any
  std::uint16_t port = 0;
  std::size_t limit = 0;
  std::optional<std::uint64_t> id;

  [[nodiscard]] bool finds(const Flow& flow) const {
    if (id) return event_id(flow) == *id;
    if (port != 0 && flow.key.low_port != port && flow.key.high_port != port) return false;
    return !within || (*within)->of(flow.key.low().address, flow.key.high().address) != ListWord::none;
  }
};

// Each worker walks through its connections, a slice at a time; `take` is called for those that are found.
template <class T, class Take>
tl::expected<Answers<T>, std::string> search(const std::vector<Worker*>& workers, const Search& what,
                                             Take take) {
  struct State {
    std::promise<T> answer;
    T found{};
    std::size_t place = 0, count = 0;
  };
  Answers<T> answers;
  for (Worker* worker : workers) {
    auto state = std::make_shared<State>();
    answers.push_back(state->answer.get_future());
    const bool asked = worker->ask([state, what, take](Pipeline& pipeline) {
      state->place = pipeline.walk(state->place, slice, [&](Flow& flow) {
        if (state->count >= what.limit || !what.finds(flow)) return;
        ++state->count;
        take(pipeline, flow, state->found);
      });
      if (state->place != 0 && state->count < what.limit) return false;
      state->answer.set_value(std::move(state->found));
      return true;
    });
    if (!asked) return tl::unexpected(std::string(busy));
  }
  return answers;
}

void copy(Pipeline&, const Flow& flow, std::vector<FlowView>& found) {
  found.emplace_back(flow);
}

std::string no_flow(std::uint64_t id) {
  return fmt::format("no connection has the id {}", id);
}

std::string_view name(ListWord word) {
  return word == ListWord::block ? "blocked" : "allowed";
}

}  // namespace

PendingAnswer Service::flows(const FlowFilter& filter) {
  Search what;
  what.port = filter.port;
  what.limit = std::min(filter.limit, most_flows);
  if (const auto prefix = parse_prefix(filter.address))
    what.within = std::make_shared<const AddressLists>(std::vector{std::pair(*prefix, ListWord::allow)});
  auto answers = search<std::vector<FlowView>>(run_.workers(), what, copy);
  if (!answers) return at_once(tl::unexpected(answers.error()));
  return all_of(std::move(*answers),
                [this, limit = what.limit](Answers<std::vector<FlowView>>& found) -> ControlAnswer {
                  json list = json::array();
                  for (std::size_t n = 0; n < found.size(); ++n) {
                    for (const FlowView& flow : found[n].get()) {
                      if (list.size() < limit) list.push_back(to_line(flow, pair_of(n)));
                    }
                  }
                  return list;
                });
}

PendingAnswer Service::flow(std::uint64_t id) {
  Search what;
  what.limit = 1;
  what.id = id;
  auto answers = search<std::vector<FlowView>>(run_.workers(), what, copy);
  if (!answers) return at_once(tl::unexpected(answers.error()));
  return all_of(std::move(*answers), [this, id](Answers<std::vector<FlowView>>& found) -> ControlAnswer {
    ControlAnswer answer = tl::unexpected(no_flow(id));
    for (std::size_t n = 0; n < found.size(); ++n) {
      for (const FlowView& flow : found[n].get()) answer = to_json(flow, pair_of(n));
    }
    return answer;
  });
}

PendingAnswer Service::change_list(ListChange change, const std::string& what,
                                   std::optional<std::chrono::seconds> expiry) {
  if (const auto prefix = parse_prefix(what)) return change_prefix(change, *prefix, expiry);
  const auto id = parse_count(what);
  if (!id) return at_once(tl::unexpected(fmt::format("'{}' is no address, prefix or flow id", what)));
  if (expiry)
    return at_once(
        tl::unexpected(std::string("what is done to a connection lasts as long as it: no expiry")));
  if (change == ListChange::unblock)
    return at_once(tl::unexpected(std::string("what was done to a connection can't be taken back")));
  return change_flow(change, *id);
}

PendingAnswer Service::change_flow(ListChange change, std::uint64_t id) {
  Search what;
  what.limit = 1;
  what.id = id;
  enum class Fate : std::uint8_t { unknown, done, refused };
  const bool blocks = change == ListChange::block;
  auto answers = search<Fate>(run_.workers(), what, [blocks](Pipeline& pipeline, Flow& flow, Fate& fate) {
    fate = !blocks || pipeline.block(flow) ? Fate::done : Fate::refused;
    if (!blocks) Pipeline::allow(flow);
  });
  if (!answers) return at_once(tl::unexpected(answers.error()));
  return all_of(std::move(*answers), [blocks, id](Answers<Fate>& found) -> ControlAnswer {
    for (std::future<Fate>& answer : found) {
      const Fate fate = answer.get();
      if (fate == Fate::refused)
        return tl::unexpected(std::string("nothing is blocked when mode = \"observe\""));
      if (fate == Fate::done)
        return json{{"flow_id", id}, {"state", name(blocks ? ListWord::block : ListWord::allow)}};
    }
    return tl::unexpected(no_flow(id));
  });
}

PendingAnswer Service::change_prefix(ListChange change, const Prefix& prefix,
                                     std::optional<std::chrono::seconds> expiry) {
  if (change == ListChange::block && settings().mode == Mode::observe)
    return at_once(tl::unexpected(std::string("nothing is blocked when mode = \"observe\"")));
  const std::scoped_lock lock(mutex_);
  json message{{"state", "none"}};
  if (change == ListChange::unblock) {
    if (!book_.remove(prefix)) return at_once(tl::unexpected(std::string("neither blocked nor allowed")));
  } else {
    const auto word = change == ListChange::block ? ListWord::block : ListWord::allow;
    std::optional<AddressBook::Time> until;
    if (expiry) until = std::chrono::steady_clock::now() + *expiry;
    if (!book_.put(prefix, word, until))
      return at_once(tl::unexpected(fmt::format("{} prefixes are listed; no more fit", AddressBook::most)));
    message = {{"state", name(word)}};
    if (expiry) message["expires_in"] = expiry->count();
  }
  message["listed"] = book_.size();
  auto answers = hand_out();
  return all_of(std::move(answers), [message](Answers<void>& taken) -> ControlAnswer {
    for (std::future<void>& answer : taken) answer.get();
    return message;
  });
}

std::vector<std::future<void>> Service::hand_out() {
  const auto lists = book_.lists();
  std::vector<std::future<void>> answers;
  stale_ = false;
  const auto listed = run_.list(book_.entries());
  if (!listed) spdlog::warn(fmt::format("{}; the engine drops what is blocked", listed.error()));
  for (const MannedWire& manned : run_.wires()) manned.wire->suspect_everything(!listed);
  for (Worker* worker : run_.workers()) {
    auto taken = std::make_shared<std::promise<void>>();
    answers.push_back(taken->get_future());
    const bool asked = worker->ask([lists, taken](Pipeline& pipeline) {
      pipeline.set_lists(lists);
      taken->set_value();
      return true;
    });
    stale_ = stale_ || !asked;  // tend() tries again
  }
  return answers;
}

void Service::tend() {
  const std::scoped_lock lock(mutex_);
  if (book_.expire(std::chrono::steady_clock::now()) || stale_) static_cast<void>(hand_out());
}

}  // namespace lockstep
