#include "tests/oracle/shrink.hpp"

#include <algorithm>
#include <array>

namespace lockstep::oracle {
namespace {

class Shrinker {
 public:
  Shrinker(Scenario scenario, const std::function<bool(const Scenario&)>& fails, std::size_t budget)
      : best_(std::move(scenario)), fails_(&fails), budget_(budget) {}

  Scenario run() {
    bool better = true;
    while (better && budget_ > 0) {
      better = leave_steps_out();
      better = simplify_connection() || better;
      better = simplify_steps() || better;
    }
    return std::move(best_);
  }

 private:
  bool attempt(Scenario simpler) {
    if (budget_ == 0) return false;
    --budget_;
    if (!(*fails_)(simpler)) return false;
    best_ = std::move(simpler);
    return true;
  }

  bool leave_steps_out() {
    bool better = false;
    for (std::size_t count = std::max<std::size_t>(best_.steps.size() / 2, 1); count > 0; count /= 2) {
      for (std::size_t at = 0; at + count <= best_.steps.size();) {
        Scenario simpler = best_;
        const auto begin = simpler.steps.begin() + static_cast<std::ptrdiff_t>(at);
        simpler.steps.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
        if (attempt(std::move(simpler))) {
          better = true;
        } else {
          at += count;
        }
      }
    }
    return better;
  }

  template <class Change>
  bool change(Change with) {
    Scenario simpler = best_;
    return with(simpler) && attempt(std::move(simpler));
  }

  bool simplify_connection() {
    const auto off = [](bool& flag) { return flag && !(flag = false); };
    bool better = change([&](Scenario& s) { return off(s.ipv6); });
    better = change([&](Scenario& s) { return off(s.timestamps); }) || better;
    better = change([&](Scenario& s) { return off(s.sack); }) || better;
    better = change([](Scenario& s) {
               if (!s.window_scale) return false;
               s.window_scale.reset();
               return true;
             }) ||
             better;
    better = change([](Scenario& s) {
               if (s.service == Service::plain) return false;
               s.service = Service::plain;
               return true;
             }) ||
             better;
    better = change([](Scenario& s) {
               if (s.isn == 1000) return false;
               s.isn = 1000;
               return true;
             }) ||
             better;
    return better;
  }

  bool simplify_steps() {
    const Step plain;
    using Simpler = bool (*)(Step&, const Step&);
    constexpr std::array ways{
        +[](Step& step, const Step& model) { return reset(step.options, model.options); },
        +[](Step& step, const Step& model) { return reset(step.window, model.window); },
        +[](Step& step, const Step& model) { return reset(step.urgent, model.urgent); },
        +[](Step& step, const Step& model) { return reset(step.value_delta, model.value_delta); },
        +[](Step& step, const Step& model) { return reset(step.echo_delta, model.echo_delta); },
        +[](Step& step, const Step& model) { return reset(step.reserved, model.reserved); },
        +[](Step& step, const Step& model) { return reset(step.data_offset, model.data_offset); },
        +[](Step& step, const Step& model) { return reset(step.ip_length, model.ip_length); },
        +[](Step& step, const Step& model) { return reset(step.ip_options, model.ip_options); },
        +[](Step& step, const Step& model) { return reset(step.fragments, model.fragments); },
        +[](Step& step, const Step& model) { return reset(step.lost, model.lost); },
        +[](Step& step, const Step& model) { return reset(step.lost_before, model.lost_before); },
        +[](Step& step, const Step& model) { return reset(step.answers_lost, model.answers_lost); },
        +[](Step& step, const Step& model) { return reset(step.answers_lost_late, model.answers_lost_late); },
        +[](Step& step, const Step& model) { return reset(step.bad_checksum, model.bad_checksum); },
        +[](Step& step, const Step&) {
          if (step.payload.size() < 2 || step.from == From::isn) return false;
          step.payload.resize(step.payload.size() / 2);
          return true;
        },
    };
    bool better = false;
    for (std::size_t i = 0; i < best_.steps.size(); ++i) {
      if (best_.steps[i].forged) continue;  // what the host refuses it for must stay
      for (const Simpler way : ways) {
        better = change([&](Scenario& s) { return way(s.steps[i], plain); }) || better;
      }
    }
    return better;
  }

  template <class Field>
  static bool reset(Field& field, const Field& plain) {
    if (field == plain) return false;
    field = plain;
    return true;
  }

  Scenario best_;
  const std::function<bool(const Scenario&)>* fails_;
  std::size_t budget_;
};

}  // namespace

Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails, std::size_t budget) {
  return Shrinker(std::move(scenario), fails, budget).run();
}

}  // namespace lockstep::oracle
