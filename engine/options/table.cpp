#include "engine/options/rows.hpp"

namespace lockstep {
namespace {

std::vector<Option> join() {
  std::vector<Option> table;
  for (const auto rows : {inspection_rows(), operation_rows(), command_line_rows()})
    table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

}  // namespace

std::span<const Option> option_table() {
  static const std::vector<Option> table = join();
  return table;
}

const Option* find_option(std::string_view key) {
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    if (option.key == key) return &option;
    if (option.kind == Kind::names && key.size() > option.key.size() + 1 && key.starts_with(option.key) &&
        key[option.key.size()] == '.') {
      return &option;
    }
  }
  return nullptr;
}

}  // namespace lockstep
