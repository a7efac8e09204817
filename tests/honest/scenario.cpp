#include "tests/honest/scenario.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "tests/support/random.hpp"

namespace lockstep::honest {
namespace {

using test::FaultRates;
using test::Random;
using Steps = std::vector<Step>;
constexpr auto connect = Step::Kind::connect;
constexpr auto accept = Step::Kind::accept;
constexpr auto write = Step::Kind::write;
constexpr auto read = Step::Kind::read;
constexpr auto read_end = Step::Kind::read_end;
constexpr auto half_close = Step::Kind::half_close;
constexpr auto close = Step::Kind::close;
constexpr auto abort = Step::Kind::abort;
constexpr auto vanish = Step::Kind::vanish;
constexpr auto nudge = Step::Kind::nudge;
constexpr auto rest = Step::Kind::rest;
constexpr auto meet = Step::Kind::meet;
constexpr auto age = Step::Kind::age;

struct NamedKind {
  Kind kind;
  std::string_view name;
  unsigned share;
};
constexpr std::array named_kinds{
#define X(name, share, text) NamedKind{Kind::name, #name, share},
    LOCKSTEP_TRANSFER_KINDS(X)
#undef X
};

Kind any_kind(Random& random) {
  std::uint64_t at = random.below(100);
  for (const NamedKind& named : named_kinds) {
    if (at < named.share) return named.kind;
    at -= named.share;
  }
  return Kind::exchange;
}

// How bad the network is, and for how many bytes that is bearable.
struct Weather {
  unsigned loss, doubled, late;
  std::uint32_t most;
};

Weather weather_of(Random& random) {
  switch (random.below(4)) {
    case 0:
      return {0, 0, 0, 200'000};
    case 1:
      return {1, 1, 3, 100'000};
    case 2:
      return {5, 3, 8, 20'000};
    default:
      return {15, 5, 10, 3'000};
  }
}

class Draft {
 public:
  Draft(std::uint64_t seed, std::size_t profiles, std::optional<Kind> only)
      : random_(seed), weather_(weather_of(random_)) {
    scenario_.seed = seed;
    scenario_.network = test::mixed(seed, 1);
    scenario_.kind = any_kind(random_);
    if (only) scenario_.kind = *only;
    scenario_.profile = random_.below(profiles);
    scenario_.ipv6 = random_.chance(40);
    scenario_.probes = random_.chance(20);
  }

  Scenario scenario() {
    faults();
    plot();
    return std::move(scenario_);
  }

 private:
  void faults();
  void plot();
  void forger();
  void plot_closes();
  void plot_resets();
  void plot_reuse();
  void plot_idle();
  void plot_parallel();
  void plot_signature();

  std::uint32_t size() {
    const std::uint32_t most = weather_.most >> random_.below(8);
    return random_.between(1U, std::max(most, 2U));
  }
  Application& client() { return scenario_.connections.back().client; }
  Application& server() { return scenario_.connections.back().server; }
  void add(Steps client_steps, Steps server_steps, int after = -1) {
    Connection connection;
    connection.client.steps = std::move(client_steps);
    connection.server.steps = std::move(server_steps);
    connection.after = after;
    scenario_.connections.push_back(std::move(connection));
  }
  // Turns of request and answer, at the end of both scripts.
  void talk(Steps& asking, Steps& answering, unsigned turns) {
    for (; turns > 0; --turns) {
      const std::uint32_t request = size(), answer = size();
      asking.push_back({write, request});
      answering.push_back({read, request});
      answering.push_back({write, answer});
      asking.push_back({read, answer});
    }
  }
  void talk_and_close(int after = -1) {
    Steps asking{{connect}}, answering{{accept}};
    talk(asking, answering, random_.between(1U, 3U));
    const bool client_first = random_.chance(50);
    Steps& first = client_first ? asking : answering;
    Steps& second = client_first ? answering : asking;
    first.insert(first.end(), {{half_close}, {read_end}, {close}});
    second.insert(second.end(), {{read_end}, {close}});
    add(asking, answering, after);
  }

  Random random_;
  Weather weather_;
  Scenario scenario_;
};

void Draft::faults() {
  for (auto* stage : {&scenario_.faults.before, &scenario_.faults.behind}) {
    for (FaultRates& rates : *stage) {
      // Some directions and stages are spared, so that one of them stands out.
      const bool bad = random_.chance(70);
      rates.loss = bad ? weather_.loss : 0;
      rates.doubled = bad ? weather_.doubled : 0;
      rates.late = bad ? weather_.late : 0;
      if (weather_.loss == 0) continue;
      rates.ack_loss = random_.chance(20) ? 40 : 0;
      rates.update_loss = random_.chance(20) ? 60 : 0;
      rates.probe_loss = random_.chance(20) ? 40 : 0;
    }
  }
  // Where the network is good, some transfers lose ACKs and probes alone.
  if (weather_.loss == 0 && random_.chance(30)) {
    FaultRates& rates = random_.chance(50) ? scenario_.faults.before[random_.below(2)]
                                           : scenario_.faults.behind[random_.below(2)];
    rates.ack_loss = random_.pick({30U, 60U});
    rates.update_loss = rates.probe_loss = 60;
  }
  // A datagram is lost with any of its fragments.
  if (!scenario_.ipv6 && weather_.loss == 0 && random_.chance(25))
    scenario_.faults.fragment = random_.pick({64U, 256U, 512U, 1024U});
}

void Draft::forger() {
  if (random_.chance(40)) scenario_.forger = Forger::blind;
}

void Draft::plot() {
  switch (scenario_.kind) {
    case Kind::exchange:
      talk_and_close();
      forger();
      break;
    case Kind::multipath:
      scenario_.multipath = true;
      talk_and_close();
      break;
    case Kind::fast_open:
      scenario_.fast_open = true;
      talk_and_close();
      // The second one has a cookie.
      talk_and_close();
      client().steps.insert(client().steps.begin(), {rest, 300U});
      break;
    case Kind::simultaneous_open:
      scenario_.both_connect = true;
      talk_and_close();
      server().steps.front() = {connect};
      break;
    case Kind::refused:
      scenario_.listens = false;
      add({{connect}}, {});
      break;
    case Kind::half_close:
    case Kind::simultaneous_close:
    case Kind::slow_reader:
      plot_closes();
      forger();
      break;
    case Kind::aborted:
    case Kind::peer_gone:
    case Kind::restarted:
      plot_resets();
      break;
    case Kind::port_reuse:
      plot_reuse();
      break;
    case Kind::kept_alive:
    case Kind::idle:
    case Kind::expired:
    case Kind::hole_expired:
      plot_idle();
      break;
    case Kind::parallel:
      plot_parallel();
      break;
    case Kind::signature_sent:
      plot_signature();
      break;
    case Kind::forged_on:
      talk_and_close();
      scenario_.forger = Forger::knowing;
      scenario_.expectation = Expectation::intact;
      scenario_.patience = 6'000;
      break;
    case Kind::forged_resets:
      talk_and_close();
      scenario_.forger = Forger::resets;
      scenario_.probes = true;
      scenario_.expectation = Expectation::whole;
      break;
  }
  if (random_.chance(15)) client().segment = random_.pick({88, 256, 536});
  if (random_.chance(15)) server().segment = random_.pick({88, 256, 536});
  if (random_.chance(10)) client().receive_buffer = 4096;
  if (random_.chance(10)) server().receive_buffer = 4096;
}

void Draft::plot_closes() {
  const std::uint32_t up = size(), down = size();
  if (scenario_.kind == Kind::half_close) {
    add({{connect}, {write, up}, {half_close}, {read_end}, {close}},
        {{accept}, {read_end}, {rest, random_.between(0U, 300U)}, {write, down}, {close}});
    return;
  }
  if (scenario_.kind == Kind::simultaneous_close) {
    // The last bytes may still be under way.
    add({{connect}, {write, up}, {read, down / 2}, {meet}, {half_close}, {read_end}, {close}},
        {{accept}, {write, down}, {read, up / 2}, {meet}, {half_close}, {read_end}, {close}});
    return;
  }
  Steps slow{{rest, random_.between(200U, 1200U)},
             {read, up / 3},
             {rest, random_.between(100U, 600U)},
             {read, up - up / 3}};
  const bool server_slow = random_.chance(50);
  Steps quick{{write, up}, {half_close}, {read_end}, {close}};
  slow.insert(slow.end(), {{read_end}, {write, down}, {close}});
  (server_slow ? slow : quick).insert((server_slow ? slow : quick).begin(), {accept});
  (server_slow ? quick : slow).insert((server_slow ? quick : slow).begin(), {connect});
  add(server_slow ? quick : slow, server_slow ? slow : quick);
  (server_slow ? server() : client()).receive_buffer = random_.pick({2048, 4096, 16384});
}

void Draft::plot_resets() {
  const std::uint32_t up = size(), down = size();
  if (scenario_.kind == Kind::restarted) {
    // The client forgets its connection; the server learns it from the answer to its challenge ACK.
    add({{connect}, {write, up}, {read, down}, {meet}, {vanish}},
        {{accept}, {read, up}, {write, down}, {meet}, {read_end}});
    server().keep_alive = true;
    talk_and_close(0);
    return;
  }
  const Step::Kind end = scenario_.kind == Kind::aborted ? abort : vanish;
  const bool client_ends = random_.chance(50);
  const bool under_way = random_.chance(60);
  Steps ending{{write, up}}, staying{{read, under_way ? up / 2 : up}};
  if (random_.chance(50)) {
    staying.push_back({write, down});
    ending.push_back({read, under_way ? down / 2 : down});
  }
  if (!under_way) {
    ending.push_back({meet});
    staying.push_back({meet});
  }
  ending.push_back({end});
  staying.push_back({nudge});
  ending.insert(ending.begin(), {client_ends ? connect : accept});
  staying.insert(staying.begin(), {client_ends ? accept : connect});
  add(client_ends ? ending : staying, client_ends ? staying : ending);
  // Where no word of the other end comes, keep-alives find it out.
  Application& stays = client_ends ? server() : client();
  stays.keep_alive = true;
  if (random_.chance(20)) stays.steps.back() = {read_end};
}

void Draft::plot_reuse() {
  // Without timestamps a client keeps to its own TIME-WAIT: there the server closes first.
  const bool timestamps = scenario_.profile % 2 == 0;
  for (int i = 0; i < 3; ++i) {
    Steps asking{{connect}}, answering{{accept}};
    if (i > 0) asking.insert(asking.begin(), {rest, random_.between(60U, 300U)});
    talk(asking, answering, 1);
    const bool client_first = timestamps && random_.chance(50);
    Steps& first = client_first ? asking : answering;
    Steps& second = client_first ? answering : asking;
    first.insert(first.end(), {{half_close}, {read_end}, {close}});
    second.insert(second.end(), {{read_end}, {close}});
    add(asking, answering, i - 1);
  }
}

void Draft::plot_idle() {
  Steps asking{{connect}}, answering{{accept}};
  if (scenario_.kind != Kind::hole_expired) talk(asking, answering, 1);
  const auto both = [&](const Step& step) {
    asking.push_back(step);
    answering.push_back(step);
  };
  if (scenario_.kind == Kind::kept_alive) {
    both({rest, random_.between(1300U, 3500U)});
    talk(asking, answering, 1);
  } else if (scenario_.kind == Kind::idle) {
    for (unsigned i = random_.between(1U, 3U); i > 0; --i) {
      both({meet});
      asking.push_back({age, random_.pick({1U, 6U, 24U})});
      both({meet});
      if (random_.chance(30)) talk(answering, asking, 1);
      talk(asking, answering, 1);
    }
  } else {
    if (scenario_.kind == Kind::hole_expired) {
      scenario_.faults = {};
      (random_.chance(50) ? scenario_.faults.before[0] : scenario_.faults.before[1]).never =
          random_.between(2U, 6U);
      both({write, 40'000});
      both({rest, 300});
    } else {
      both({meet});
    }
    asking.push_back({age, scenario_.kind == Kind::hole_expired ? 1U : 121U});
    both({nudge});
    add(asking, answering);
    scenario_.expectation = Expectation::cut;
    return;
  }
  asking.insert(asking.end(), {{half_close}, {read_end}, {close}});
  answering.insert(answering.end(), {{read_end}, {close}});
  add(asking, answering);
  client().keep_alive = server().keep_alive = scenario_.kind == Kind::kept_alive;
}

void Draft::plot_parallel() {
  const unsigned count = random_.between(4U, 24U);
  for (unsigned i = 0; i < count; ++i) {
    const std::uint32_t up = size(), down = size();
    add({{connect}, {write, up}, {half_close}, {read_end}, {close}},
        {{accept}, {write, down}, {read_end}, {close}});
  }
}

void Draft::plot_signature() {
  const std::uint32_t before = size();
  add({{connect}, {write, before + 200}}, {{accept}, {nudge}});
  client().signature_at = before;
  scenario_.expectation = Expectation::server_cut;
}

std::string_view name(Step::Kind kind) {
  constexpr std::array names{"connect", "accept", "write", "read", "read_end", "half_close", "close",
                             "abort",   "vanish", "nudge", "rest", "meet",     "age"};
  return names[static_cast<std::size_t>(kind)];
}

std::string to_string(const Application& application) {
  std::string text;
  for (const Step& step : application.steps) {
    text += fmt::format(" {}", name(step.kind));
    if (step.amount > 0) text += fmt::format("({})", step.amount);
  }
  if (application.receive_buffer > 0) text += fmt::format("; receive buffer {}", application.receive_buffer);
  if (application.segment > 0) text += fmt::format("; segments of {}", application.segment);
  if (application.keep_alive) text += "; keep-alives";
  if (application.signature_at) text += fmt::format("; signature at {}", *application.signature_at);
  return text;
}

std::string to_string(const FaultRates& rates) {
  return fmt::format("loss {} % (ACKs {}, updates {}, probes {}), doubled {} %, late {} %", rates.loss,
                     rates.ack_loss, rates.update_loss, rates.probe_loss, rates.doubled, rates.late);
}

}  // namespace

std::string_view name(Kind kind) {
  return named_kinds[static_cast<std::size_t>(kind)].name;
}

std::size_t kinds() {
  return named_kinds.size();
}

Scenario scenario_of(std::uint64_t seed, std::size_t profiles, std::optional<Kind> only) {
  return Draft(seed, profiles, only).scenario();
}

std::string to_string(const Scenario& scenario) {
  std::string text = fmt::format(
      "seed {:#018x} {} profile {} {}{}{}, forger {}\n", scenario.seed, name(scenario.kind), scenario.profile,
      scenario.ipv6 ? "IPv6" : "IPv4", scenario.probes ? ", stream.rst probe" : "",
      scenario.faults.fragment != 0 ? fmt::format(", fragments of {}", scenario.faults.fragment) : "",
      name(scenario.forger));
  for (const std::size_t port : {0, 1}) {
    text += fmt::format("  before, from the {}: {}\n", port == 0 ? "client" : "server",
                        to_string(scenario.faults.before[port]));
    text += fmt::format("  behind, to the {}:   {}\n", port == 0 ? "client" : "server",
                        to_string(scenario.faults.behind[port]));
  }
  for (std::size_t i = 0; i < scenario.connections.size(); ++i) {
    text += fmt::format("  client {}:{}\n", i, to_string(scenario.connections[i].client));
    text += fmt::format("  server {}:{}\n", i, to_string(scenario.connections[i].server));
  }
  return text;
}

}  // namespace lockstep::honest
