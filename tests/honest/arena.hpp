// Plays many transfers at once: the kernels of each profile, the ports, and the loop that carries frames. One
// thread.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/honest/verdict.hpp"

namespace lockstep::honest {

// A scenario with what is played of it: with the engine, and without it where that says how it has to end.
struct Match {
  Scenario scenario;
  std::unique_ptr<Transfer> plain, engine;
  unsigned attempt = 0;  // how often it was played before
};

class Arena {
 public:
  // The error says what is missing.
  [[nodiscard]] static tl::expected<std::unique_ptr<Arena>, std::string> make();

  void begin(Scenario scenario, unsigned attempt = 0);
  [[nodiscard]] std::size_t under_way() const { return matches_.size(); }
  // Goes on for a moment; hands over the matches that are over, whose transfers end with the call.
  void go_on(const std::function<void(Match&)>& over);
  [[nodiscard]] oracle::Rules& rules() { return rules_; }

 private:
  Arena() = default;
  std::unique_ptr<Transfer> start(const Scenario& scenario, bool engine);
  bool carry(const KernelPair& kernels, End from);
  void wait() const;

  std::vector<std::unique_ptr<KernelPair>> kernels_;
  oracle::Rules rules_{oracle::signature};
  std::list<Match> matches_;
  std::unordered_map<std::uint16_t, Transfer*> by_port_;  // the server's
  std::uint16_t next_port_ = first_port;
  static constexpr std::uint16_t first_port = 2000, last_port = 65'000;
  Clock::time_point acted_{};
};

}  // namespace lockstep::honest
