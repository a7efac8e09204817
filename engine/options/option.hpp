// One row an option: the parser of lockstep.toml, the command line, --help, the manual pages and `check` all
// read the table of these rows and nothing else. A row may be a config key, a command line option, or both.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "engine/replay.hpp"
#include "engine/settings.hpp"

namespace lockstep {

struct CheckOptions {
  bool strict = false;
  bool dump_config = false;
};

struct CtlOptions {
  std::vector<std::string> words;  // the command and its arguments
  bool json = false;
  bool dry_run = false;
};

// Everything that one call of the program asks for.
struct DoctorOptions {
  bool gap = false;  // measure how long attaching and detaching cut the link
};

struct Invocation {
  Settings settings;
  ReplayOptions replay;
  CheckOptions check;
  CtlOptions ctl;
  DoctorOptions doctor;
  std::string config_file;
  std::vector<std::string> overrides;  // --set KEY=VALUE
  std::uint64_t verbosity = 0;
  std::string help_topic;
  bool help = false;
  bool version = false;
};

// Bits, so that a row can name several commands. `program` is lockstep without a command.
enum class Command : std::uint16_t {
  program = 1,
  replay = 2,
  check = 4,
  version = 8,
  help = 16,
  run = 32,
  detach = 64,
  ctl = 128,
  doctor = 256,
};

enum class Kind : std::uint8_t {
  boolean,
  repeats,  // command line only: how often the option was given
  count,    // an integer
  size,     // bytes, "64mb"
  time,     // "30s"
  text,
  path,   // relative paths in a config file start at that file's directory
  texts,  // a list
  paths,
  names,  // NAME = value, any NAME
  choice,
};

template <class T>
using Slot = T& (*)(Invocation&);

struct ChoiceSlot {
  std::size_t (*get)(Invocation&);
  void (*set)(Invocation&, std::size_t);
};

using Target = std::variant<Slot<bool>, Slot<std::uint64_t>, Slot<Nanoseconds>, Slot<std::string>,
                            Slot<std::vector<std::string>>, Slot<NameMap>, ChoiceSlot>;

// Both ends included; times in nanoseconds.
struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
};

struct Option {
  std::string_view key = {};       // dotted path in lockstep.toml; empty: command line only
  std::string_view flags = {};     // "-S,--rules", "FILE" for operands; empty: config only
  std::string_view argument = {};  // its placeholder in help
  std::uint16_t commands = 0;      // where the flags are valid
  Kind kind = Kind::boolean;
  bool comma_separated = false;  // on the command line, a list in one argument
  Range range = {};
  std::span<const std::string_view> choices = {};
  Target target = {};
  // What is wrong with one value of a list beyond its type; empty: nothing.
  std::string (*check)(std::string_view value) = nullptr;
  bool reloads = false;  // a config key that a reload takes along; others need a restart
  std::string_view text = {};

  [[nodiscard]] bool operand() const { return !flags.empty() && flags.front() != '-'; }
  [[nodiscard]] bool takes_argument() const { return kind != Kind::boolean && kind != Kind::repeats; }
  [[nodiscard]] bool valid_in(Command command) const {
    return (commands & static_cast<std::uint16_t>(command)) != 0;
  }
};

// All rows, config keys in the order of the manual, then what stands on the command line only.
[[nodiscard]] std::span<const Option> option_table();

// The row of a config key; for a name below a Kind::names row ("vars.address-groups.DMZ") that row.
[[nodiscard]] const Option* find_option(std::string_view key);

}  // namespace lockstep
