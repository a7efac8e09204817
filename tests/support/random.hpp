// Random numbers that are the same everywhere: SplitMix64.
#pragma once
#include <cstdint>
#include <iterator>
#include <string>

namespace lockstep::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
  }
  // In [0, bound).
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  // In [low, high], both included.
  template <class Number>
  Number between(Number low, Number high) {
    return static_cast<Number>(low + static_cast<Number>(below(static_cast<std::uint64_t>(high - low) + 1)));
  }
  // True `percent` times of a hundred.
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Choices>
  auto pick(const Choices& choices) {
    return *(std::begin(choices) + static_cast<std::ptrdiff_t>(below(std::size(choices))));
  }
  template <class Choice>
  Choice pick(std::initializer_list<Choice> choices) {
    return *(choices.begin() + below(choices.size()));
  }
  std::string letters(std::size_t count) {
    std::string text(count, 'a');
    for (char& letter : text) letter = static_cast<char>('a' + below(26));
    return text;
  }

 private:
  std::uint64_t state_;
};

// A number of its own for each of many scenarios of one seed.
[[nodiscard]] inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) {
  return Random(seed * 0x2545f4914f6cdd1dULL + index).next();
}

}  // namespace lockstep::test
