#include "engine/cli/tables.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace lockstep {
namespace {

using nlohmann::json;
using Row = std::vector<std::pair<std::string, std::string>>;  // key, value

std::string scalar(const json& value) {
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return text;
  }
  return value.is_null() ? "-" : value.dump();
}

bool is_rule(const json& value) {
  return value.is_object() && value.size() == 3 && value.contains("gid") && value.contains("sid") &&
         value.contains("rev");
}

bool is_flat(const json& value) {
  return value.is_primitive() || is_rule(value);
}

std::string flat(const json& value) {
  if (is_rule(value))
    return fmt::format("{}:{}:{}", value["gid"].dump(), value["sid"].dump(), value["rev"].dump());
  return scalar(value);
}

// A list of flat values on one line.
std::string listed(const json& list) {
  std::string out;
  for (const json& item : list) out += (out.empty() ? "" : " ") + flat(item);
  return out.empty() ? "-" : out;
}

void flatten(const json& object, const std::string& prefix, Row& row) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() && !is_rule(value)) {
      flatten(value, prefix + key + ".", row);
    } else if (value.is_array()) {
      const bool plain = std::all_of(value.begin(), value.end(), is_flat);
      row.emplace_back(prefix + key, plain ? listed(value) : value.dump());
    } else {
      row.emplace_back(prefix + key, flat(value));
    }
  }
}

std::string table(const json& list) {
  std::vector<std::string> heads;
  std::vector<std::size_t> widths;
  std::vector<Row> rows;
  for (const json& item : list) {
    flatten(item, "", rows.emplace_back());
    for (const auto& [key, value] : rows.back()) {
      auto head = std::find(heads.begin(), heads.end(), key);
      if (head == heads.end()) {
        head = heads.insert(heads.end(), key);
        widths.push_back(key.size());
      }
      std::size_t& width = widths[static_cast<std::size_t>(head - heads.begin())];
      width = std::max(width, value.size());
    }
  }
  std::string out;
  const auto line = [&](auto cell) {
    std::string text;
    for (std::size_t i = 0; i < heads.size(); ++i) text += fmt::format("{:<{}}  ", cell(i), widths[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](std::size_t i) { return heads[i]; });
  for (const Row& row : rows) {
    line([&](std::size_t i) {
      const auto found =
          std::find_if(row.begin(), row.end(), [&](const auto& entry) { return entry.first == heads[i]; });
      return found == row.end() ? std::string("-") : found->second;
    });
  }
  return out;
}

}  // namespace

std::string readable(const json& value) {
  if (value.is_array()) {
    if (value.empty()) return "none\n";
    if (std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_object(); }))
      return table(value);
    std::string out;
    for (const json& item : value) out += readable(item);
    return out;
  }
  if (!value.is_object()) return scalar(value) + "\n";
  Row row;
  std::string out, tables;
  json rest = value;
  for (const auto& [key, list] : value.items()) {
    const bool rows = list.is_array() && !list.empty() && !std::all_of(list.begin(), list.end(), is_flat);
    if (!rows) continue;
    tables += fmt::format("\n{}\n{}", key, readable(list));
    rest.erase(key);
  }
  flatten(rest, "", row);
  std::size_t width = 0;
  for (const auto& [key, text] : row) width = std::max(width, key.size());
  for (const auto& [key, text] : row) out += fmt::format("{:<{}}  {}\n", key, width, text);
  return out + tables;
}

}  // namespace lockstep
