// The tables beside the rules: classification.config and reference.config, in Suricata's format.
//
//   config classification: trojan-activity,A Network Trojan was detected,1
//   config reference: cve https://cve.mitre.org/cgi-bin/cvename.cgi?name=
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/load_report.hpp"

namespace lockstep::signatures {

class Classification {
 public:
  struct Class {
    std::string description;
    std::uint8_t priority = 3;
  };

  // The names, descriptions and priorities that Suricata ships and its users read in their events.
  static Classification defaults();

  // Adds the lines of a file; a name that is there already is replaced. Gives the lines that could not be
  // read, each with file 0.
  [[nodiscard]] std::vector<Diagnostic> add(std::string_view text);

  [[nodiscard]] const Class* find(std::string_view name) const;  // names ignore case
  [[nodiscard]] std::size_t size() const { return classes_.size(); }

 private:
  std::map<std::string, Class, std::less<>> classes_;  // by the name in lower case
};

class References {
 public:
  static References defaults();
  [[nodiscard]] std::vector<Diagnostic> add(std::string_view text);

  // The prefix that a reference's id is appended to; names ignore case.
  [[nodiscard]] const std::string* find(std::string_view type) const;
  [[nodiscard]] std::size_t size() const { return prefixes_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> prefixes_;
};

}  // namespace lockstep::signatures
