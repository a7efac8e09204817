#include "engine/options/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace lockstep {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kib = 1024;
constexpr std::array<Unit, 13> size_units{{{"tb", kib* kib* kib* kib},
                                           {"gb", kib* kib* kib},
                                           {"mb", kib* kib},
                                           {"kb", kib},
                                           {"b", 1},
                                           {"tib", kib* kib* kib* kib},
                                           {"gib", kib* kib* kib},
                                           {"mib", kib* kib},
                                           {"kib", kib},
                                           {"t", kib* kib* kib* kib},
                                           {"g", kib* kib* kib},
                                           {"m", kib* kib},
                                           {"k", kib}}};

constexpr std::uint64_t one_second = 1'000'000'000;
constexpr std::array<Unit, 7> time_units{{{"d", 86'400 * one_second},
                                          {"h", 3'600 * one_second},
                                          {"m", 60 * one_second},
                                          {"s", one_second},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <std::size_t N>
std::optional<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, N>& units,
                                       std::uint64_t bare) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view tail(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  while (!tail.empty() && tail.front() == ' ') tail.remove_prefix(1);
  std::uint64_t factor = tail.empty() ? bare : 0;
  const std::string unit_name = lower(tail);
  for (const Unit& unit : units) {
    if (unit.name == unit_name) factor = unit.factor;
  }
  if (factor == 0 || number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

template <std::size_t N>
std::string show(std::uint64_t value, const std::array<Unit, N>& units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("{}", value);
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return with_unit(text, size_units, 1);
}

std::optional<Nanoseconds> parse_time(std::string_view text) {
  const auto value = with_unit(text, time_units, one_second);
  if (!value || *value > static_cast<std::uint64_t>(Nanoseconds::max().count())) return std::nullopt;
  return Nanoseconds{static_cast<Nanoseconds::rep>(*value)};
}

std::optional<Moment> parse_moment(std::string_view text) {
  if (const auto time = parse_time(text)) return *time;
  std::tm date{};
  const std::string whole(text);
  const char* rest = strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &date);
  if (rest == nullptr) return std::nullopt;
  std::string_view tail = std::string_view(text).substr(static_cast<std::size_t>(rest - whole.c_str()));
  std::uint64_t fraction = 0;
  if (tail.starts_with('.')) {
    tail.remove_prefix(1);
    const auto digits = std::min<std::size_t>(tail.find_first_not_of("0123456789"), tail.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    std::string padded(tail.substr(0, digits));
    padded.resize(9, '0');
    fraction = *parse_count(padded);
    tail.remove_prefix(digits);
  }
  if (tail != "Z" || date.tm_year > 300) return std::nullopt;
  return reassembly::Timestamp(std::chrono::seconds(timegm(&date)) + Nanoseconds(fraction));
}

std::optional<bool> parse_boolean(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

reassembly::Address masked(reassembly::Address address, unsigned bits) {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned kept = bits <= before ? 0 : std::min(8U, bits - before);
    address.bytes[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return address;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Prefix prefix;
  if (inet_pton(AF_INET, address.c_str(), prefix.address.bytes.data()) == 1) {
    prefix.bits = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), prefix.address.bytes.data()) == 1) {
    prefix.address.version = 6;
    prefix.bits = 128;
  } else {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) return prefix;
  const auto bits = parse_count(text.substr(slash + 1));
  if (!bits || *bits > prefix.bits) return std::nullopt;
  prefix.bits = static_cast<std::uint8_t>(*bits);
  return prefix;
}

std::string show_size(std::uint64_t bytes) {
  return show(bytes, size_units, "0b");
}
std::string show_time(Nanoseconds time) {
  return show(static_cast<std::uint64_t>(time.count()), time_units, "0s");
}

}  // namespace lockstep
