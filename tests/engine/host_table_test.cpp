#include "engine/host_table.hpp"

#include <deque>
#include <map>
#include <set>
#include <thread>
#include <tuple>

#include <rapidcheck.h>

#include "tests/engine/tables_support.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;
using signatures::HostBit;
using signatures::RuleId;
using signatures::Threshold;
using signatures::Xbits;
using std::chrono::seconds;
using Type = Threshold::Type;
using Track = Threshold::Track;

namespace {

signatures::Address host(unsigned n) {
  signatures::Address address;
  address.bytes = {10, 0, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)};
  return address;
}

RatePacket packet(double second, unsigned source = 1, unsigned destination = 2) {
  RatePacket made;
  made.now = at(second);
  made.source = host(source);
  made.destination = host(destination);
  return made;
}

constexpr RuleId rule{1, 100, 1};

Threshold make(Type type, std::uint32_t count, int window, Track track = Track::by_src) {
  Threshold threshold;
  threshold.type = type;
  threshold.track = track;
  threshold.count = count;
  threshold.seconds = seconds(window);
  return threshold;
}

// One letter a hit: A alert, s silent, - neither.
std::string answers(HostTable& table, const Threshold& threshold, const std::vector<double>& times) {
  std::string text;
  for (const double time : times) {
    switch (table.hit(rule, threshold, packet(time))) {
      case RateAnswer::alert:
        text += 'A';
        break;
      case RateAnswer::silent:
        text += 's';
        break;
      case RateAnswer::neither:
        text += '-';
        break;
    }
  }
  return text;
}

HostBit bit(Xbits::Track track, unsigned source, unsigned destination, std::uint32_t number = 5) {
  HostBit made;
  made.bit = number;
  made.track = track;
  made.source = host(source);
  made.destination = host(destination);
  return made;
}

}  // namespace

TEST_CASE("limit alerts on the first N hits of a window and acts silently on the rest",
          "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  CHECK(answers(table, make(Type::limit, 2, 10), {0, 1, 2, 10, 10.5, 11, 12, 500}) == "AAssAAsA");
}

TEST_CASE("threshold alerts on every Nth hit of a window", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  CHECK(answers(table, make(Type::threshold, 3, 10), {0, 1, 2, 3, 4, 5, 6}) == "--A--A-");
}

TEST_CASE("threshold: the hit that opens a later window never alerts, even for one", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  // 11 opens the second window; the window of 11 is forgotten twice its length later, so 32 is a first hit
  // again.
  CHECK(answers(table, make(Type::threshold, 1, 10), {0, 1, 2, 11, 12, 32}) == "AAA-AA");
}

TEST_CASE("both alerts once a window, on the Nth hit", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  CHECK(answers(table, make(Type::both, 2, 10), {0, 1, 2, 3, 11, 12, 13}) == "-Ass-As");
  HostTable other({}, replay_hash_seed);
  CHECK(answers(other, make(Type::both, 1, 10), {0, 1, 11, 12}) == "AsAs");
}

TEST_CASE("detection_filter lets a rule match only beyond N hits in a window", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  CHECK(answers(table, make(Type::detection_filter, 2, 10), {0, 1, 2, 3, 10, 11, 12, 13}) == "--AAA--A");
}

TEST_CASE("detection_filter with unique_on counts ports, not hits", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  Threshold threshold = make(Type::detection_filter, 2, 10);
  threshold.unique_on = Threshold::UniqueOn::dst_port;
  std::string text;
  for (const std::uint16_t port : std::vector<std::uint16_t>{80, 80, 80, 81, 80, 82, 82, 80}) {
    RatePacket hit = packet(1);
    hit.destination_port = port;
    text += table.hit(rule, threshold, hit) == RateAnswer::alert ? 'A' : '-';
  }
  CHECK(text == "-----AAA");
}

TEST_CASE("without room for another set of ports every hit counts", "[engine][threshold]") {
  HostTable table({.rates = 64, .bits = 16, .port_sets = 1}, replay_hash_seed);
  Threshold threshold = make(Type::detection_filter, 1, 10);
  threshold.unique_on = Threshold::UniqueOn::src_port;
  CHECK(table.hit(rule, threshold, packet(0, 1)) == RateAnswer::neither);
  CHECK(table.hit(rule, threshold, packet(0, 1)) == RateAnswer::neither);
  CHECK(table.hit(rule, threshold, packet(0, 2)) == RateAnswer::neither);
  CHECK(table.hit(rule, threshold, packet(0, 2)) == RateAnswer::alert);
  CHECK(table.counters().port_sets_refused == 1);
  // A window that ends gives its set back.
  CHECK(table.hit(rule, threshold, packet(100, 1)) == RateAnswer::neither);
  CHECK(table.hit(rule, threshold, packet(100, 1)) == RateAnswer::neither);
  CHECK(table.counters().port_sets_refused == 1);
}

TEST_CASE("backoff alerts at N, N*M, N*M*M of a flow", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  Threshold threshold = make(Type::backoff, 2, 0, Track::by_flow);
  threshold.multiplier = 3;
  std::string text;
  for (int i = 0; i < 20; ++i) {
    RatePacket hit = packet(i * 100.0);
    hit.flow = 7;
    const auto answer = table.hit(rule, threshold, hit);
    text += answer == RateAnswer::alert ? 'A' : answer == RateAnswer::silent ? 's' : '-';
  }
  CHECK(text == "-AsssAsssssssssssAss");
  CHECK(table.hit(rule, threshold, packet(0)) == RateAnswer::neither);  // no flow
}

TEST_CASE("what is counted together depends on the tracker", "[engine][threshold]") {
  const auto second_hit = [](Track track, RatePacket first, RatePacket second) {
    HostTable table({}, replay_hash_seed);
    const Threshold threshold = make(Type::both, 2, 60, track);
    CHECK(table.hit(rule, threshold, first) == RateAnswer::neither);
    return table.hit(rule, threshold, second) == RateAnswer::alert;
  };
  CHECK(second_hit(Track::by_src, packet(0, 1, 2), packet(1, 1, 3)));
  CHECK_FALSE(second_hit(Track::by_src, packet(0, 1, 2), packet(1, 3, 2)));
  CHECK(second_hit(Track::by_dst, packet(0, 1, 2), packet(1, 3, 2)));
  CHECK_FALSE(second_hit(Track::by_dst, packet(0, 1, 2), packet(1, 1, 3)));
  CHECK(second_hit(Track::by_both, packet(0, 1, 2), packet(1, 2, 1)));
  CHECK_FALSE(second_hit(Track::by_both, packet(0, 1, 2), packet(1, 1, 3)));
  CHECK(second_hit(Track::by_rule, packet(0, 1, 2), packet(1, 8, 9)));
  RatePacket flow_one = packet(0), flow_two = packet(0);
  flow_one.flow = 1;
  flow_two.flow = 2;
  CHECK(second_hit(Track::by_flow, flow_one, flow_one));
  CHECK_FALSE(second_hit(Track::by_flow, flow_one, flow_two));
}

TEST_CASE("each rule counts for itself", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  const Threshold threshold = make(Type::limit, 1, 60);
  for (const RuleId id : {RuleId{1, 1, 1}, RuleId{2, 1, 1}, RuleId{1, 2, 1}, RuleId{1, 1, 2}}) {
    CHECK(table.hit(id, threshold, packet(0)) == RateAnswer::alert);
    CHECK(table.hit(id, threshold, packet(0)) == RateAnswer::silent);
  }
}

TEST_CASE("a rate_filter takes hold beyond N hits for its time-out", "[engine][rate_filter]") {
  HostTable table({}, replay_hash_seed);
  signatures::RateFilter filter;
  filter.count = 2;
  filter.seconds = seconds(10);
  filter.timeout = seconds(30);
  std::string text;
  // 34.5 ends the new action and is not counted; 35 opens a window again.
  for (const double time : {0.0, 1.0, 4.0, 5.0, 34.0, 34.5, 35.0, 36.0, 37.0}) {
    text += table.exceeds(rule, filter, packet(time)) ? 'X' : '-';
  }
  CHECK(text == "--XXX---X");
}

TEST_CASE("rates of any length of time do not overflow", "[engine][threshold]") {
  HostTable table({}, replay_hash_seed);
  Threshold threshold = make(Type::limit, 1, 0);
  threshold.seconds = seconds::max();
  CHECK(table.hit(rule, threshold, packet(0)) == RateAnswer::alert);
  CHECK(table.hit(rule, threshold, packet(1e9)) == RateAnswer::silent);
}

TEST_CASE("a bit belongs to a host, whichever end of the packet it is, or to an unordered pair",
          "[engine][xbits]") {
  HostTable table({}, replay_hash_seed);
  table.set(bit(Xbits::Track::source, 1, 2), at(0), seconds(60));
  CHECK(table.is_set(bit(Xbits::Track::source, 1, 9), at(1)));
  CHECK(table.is_set(bit(Xbits::Track::destination, 9, 1), at(1)));
  CHECK_FALSE(table.is_set(bit(Xbits::Track::source, 2, 1), at(1)));
  CHECK_FALSE(table.is_set(bit(Xbits::Track::pair, 1, 2), at(1)));
  CHECK_FALSE(table.is_set(bit(Xbits::Track::source, 1, 2, 6), at(1)));
  table.set(bit(Xbits::Track::pair, 3, 4), at(0), seconds(60));
  CHECK(table.is_set(bit(Xbits::Track::pair, 4, 3), at(1)));
  CHECK_FALSE(table.is_set(bit(Xbits::Track::source, 3, 4), at(1)));
  table.unset(bit(Xbits::Track::pair, 4, 3));
  CHECK_FALSE(table.is_set(bit(Xbits::Track::pair, 3, 4), at(1)));
}

TEST_CASE("a bit ends with its time, which a new set renews", "[engine][xbits]") {
  HostTable table({}, replay_hash_seed);
  const auto name = bit(Xbits::Track::source, 1, 2);
  table.set(name, at(0), seconds(10));
  CHECK(table.is_set(name, at(9.999)));
  CHECK_FALSE(table.is_set(name, at(10)));
  table.set(name, at(5), seconds(10));
  CHECK(table.is_set(name, at(14.999)));
  CHECK_FALSE(table.is_set(name, at(15)));
  table.set(name, at(20), seconds(0));
  CHECK_FALSE(table.is_set(name, at(20)));
}

TEST_CASE("memory stays bounded, the least recently used gives way, and bits are not pushed out by rates",
          "[engine][host_table]") {
  HostTable table({.rates = 160, .bits = 16, .port_sets = 1}, replay_hash_seed);
  table.set(bit(Xbits::Track::source, 1, 2), at(0), seconds(100'000));
  const Threshold threshold = make(Type::limit, 1, 3600);
  for (unsigned n = 0; n < 10'000; ++n) {
    CHECK(table.hit(rule, threshold, packet(n * 0.01, n)) == RateAnswer::alert);
    CHECK(table.hit(rule, threshold, packet(n * 0.01, n)) == RateAnswer::silent);
  }
  CHECK(table.is_set(bit(Xbits::Track::source, 1, 2), at(100)));
  const auto counters = table.counters();
  CHECK(counters.rates.inserted == 10'000);
  CHECK(counters.rates.given_up >= 10'000 - 160);
  CHECK(table.hit(rule, threshold, packet(100, 9'999)) == RateAnswer::silent);
}

TEST_CASE("what has expired gives way before what has not", "[engine][host_table]") {
  HostTable table({.rates = 16, .bits = 16, .port_sets = 1}, replay_hash_seed);
  for (unsigned n = 0; n < 1000; ++n) (void)table.hit(rule, make(Type::limit, 1, 1), packet(n * 10.0, n));
  CHECK(table.counters().rates.given_up == 0);
  CHECK(table.counters().rates.expired >= 1000 - 16);
  table.expire(at(1e6));
  CHECK(table.counters().rates.expired == 1000);
}

namespace {

// Straightforward models: keep every hit's time since the window began.
struct ModelWindow {
  std::optional<double> start;
  std::uint32_t hits = 0;     // in this window, or since the last alert for `threshold`
  std::uint32_t windows = 0;  // opened without being forgotten in between
};

RateAnswer model_hit(ModelWindow& window, const Threshold& threshold, double now) {
  const auto length = static_cast<double>(threshold.seconds.count());
  if (window.start && now > *window.start + 2 * length) window = {};
  const bool opens = !window.start || now > *window.start + length;
  if (opens) {
    window.start = now;
    window.hits = 0;
    ++window.windows;
  }
  const std::uint32_t n = ++window.hits;
  switch (threshold.type) {
    case Type::limit:
      return n <= threshold.count ? RateAnswer::alert : RateAnswer::silent;
    case Type::both:
      return n < threshold.count    ? RateAnswer::neither
             : n == threshold.count ? RateAnswer::alert
                                    : RateAnswer::silent;
    case Type::detection_filter:
      return n > threshold.count ? RateAnswer::alert : RateAnswer::neither;
    default:
      break;
  }
  if (opens && window.windows > 1) return RateAnswer::neither;
  if (n < threshold.count) return RateAnswer::neither;
  if (!opens) window.hits = 0;
  return RateAnswer::alert;
}

}  // namespace

TEST_CASE("rates are those of a straightforward model", "[engine][threshold][property]") {
  CHECK(rc::check([] {
    HostTable table({}, replay_hash_seed);
    const Threshold threshold =
        make(*rc::gen::element(Type::limit, Type::threshold, Type::both, Type::detection_filter),
             *rc::gen::inRange(1U, 5U), *rc::gen::inRange(1, 10));
    std::map<unsigned, ModelWindow> model;
    double now = 0;
    const int steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step < steps; ++step) {
      now += *rc::gen::element(0.0, 0.5, 1.0, 3.0, 20.0);
      const auto source = *rc::gen::inRange(0U, 3U);
      if (*rc::gen::inRange(0, 10) == 0) table.expire(at(now));
      RC_ASSERT(table.hit(rule, threshold, packet(now, source)) == model_hit(model[source], threshold, now));
    }
  }));
}

TEST_CASE("bits are those of a plain map", "[engine][xbits][property]") {
  CHECK(rc::check([] {
    HostTable table({}, replay_hash_seed);
    std::map<std::tuple<std::uint32_t, unsigned, unsigned>, double> model;  // → end
    double now = 0;
    const int steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step) {
      now += *rc::gen::element(0.0, 1.0, 7.0);
      const auto track =
          *rc::gen::element(Xbits::Track::source, Xbits::Track::destination, Xbits::Track::pair);
      const auto a = *rc::gen::inRange(1U, 4U), b = *rc::gen::inRange(1U, 4U),
                 number = *rc::gen::inRange(0U, 2U);
      const auto key = track == Xbits::Track::pair     ? std::tuple(number, std::min(a, b), std::max(a, b))
                       : track == Xbits::Track::source ? std::tuple(number, a, 0U)
                                                       : std::tuple(number, b, 0U);
      const auto which = bit(track, a, b, number);
      switch (*rc::gen::inRange(0, 4)) {
        case 0: {
          const int expire = *rc::gen::inRange(0, 20);
          table.set(which, at(now), seconds(expire));
          model[key] = now + expire;
          break;
        }
        case 1:
          table.unset(which);
          model.erase(key);
          break;
        case 2:
          table.expire(at(now));
          break;
        default:
          break;
      }
      const auto found = model.find(key);
      RC_ASSERT(table.is_set(which, at(now)) == (found != model.end() && now < found->second));
    }
  }));
}

TEST_CASE("workers together alert as often as one would", "[engine][host_table][threads]") {
  HostTable table({}, replay_hash_seed);
  const Threshold threshold = make(Type::limit, 100, 3600);
  std::array<unsigned, 4> alerts{};
  std::deque<std::thread> workers;
  for (unsigned worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&table, &threshold, &count = alerts[worker], worker] {
      for (unsigned i = 0; i < 2000; ++i) {
        if (table.hit(rule, threshold, packet(1, i % 4)) == RateAnswer::alert) ++count;
        table.set(bit(Xbits::Track::source, i % 50, 0), at(1), seconds(60));
        (void)table.is_set(bit(Xbits::Track::source, (i + worker) % 50, 0), at(1));
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(alerts[0] + alerts[1] + alerts[2] + alerts[3] == 400);
}
