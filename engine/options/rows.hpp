// What the rows of the option table are written with, and the parts of the table (table.cpp joins them).
#pragma once
#include <array>

#include "engine/options/checks.hpp"
#include "engine/options/option.hpp"

namespace lockstep {

template <class F>
constexpr Target at(F) {
  using T = std::remove_reference_t<std::invoke_result_t<F, Invocation&>>;
  if constexpr (std::is_enum_v<T>) {
    return ChoiceSlot{[](Invocation& i) { return static_cast<std::size_t>(F{}(i)); },
                      [](Invocation& i, std::size_t value) { F{}(i) = static_cast<T>(value); }};
  } else {
    return Slot<T>{[](Invocation& i) -> T& { return F{}(i); }};
  }
}
#define AT(field) at([](Invocation & i) -> auto& { return i.field; })

template <class... C>
constexpr std::uint16_t on(C... commands) {
  return static_cast<std::uint16_t>((static_cast<unsigned>(commands) | ...));
}
inline constexpr std::uint16_t loads =
    on(Command::replay, Command::check, Command::run);  // commands that load settings and rules
inline constexpr std::uint16_t runs = on(Command::run);
inline constexpr std::uint16_t wires = on(Command::run, Command::detach, Command::doctor);
inline constexpr std::uint16_t examines = on(Command::doctor);
inline constexpr std::uint16_t logs = on(Command::replay, Command::run);
inline constexpr std::uint16_t controls = on(Command::ctl);
inline constexpr std::uint16_t configured =
    on(Command::replay, Command::check, Command::run, Command::detach, Command::ctl, Command::doctor);
inline constexpr std::uint16_t replays = on(Command::replay);
inline constexpr std::uint16_t checks = on(Command::check);
inline constexpr std::uint16_t everywhere =
    on(Command::program, Command::replay, Command::check, Command::version, Command::help, Command::run,
       Command::detach, Command::ctl, Command::doctor);

// For ranges: bytes, nanoseconds.
inline constexpr std::uint64_t mib = 1ULL << 20;
inline constexpr std::uint64_t gib = 1ULL << 30;
inline constexpr std::uint64_t second = 1'000'000'000;
inline constexpr std::uint64_t year = 365ULL * 86'400 * second;

[[nodiscard]] std::span<const Option> inspection_rows();
[[nodiscard]] std::span<const Option> operation_rows();
[[nodiscard]] std::span<const Option> command_line_rows();

}  // namespace lockstep
