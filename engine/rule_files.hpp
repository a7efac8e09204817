// The files that a rule set is made of, found and read; parsing them is signatures' work.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/settings.hpp"

namespace lockstep {

struct TextFile {
  std::string path;  // as it is shown in messages
  std::string text;
};

struct RuleFiles {
  std::vector<TextFile> rules;  // in the order given; within a directory or glob by name; none twice
  std::optional<TextFile> classification;
  std::optional<TextFile> reference;
  std::optional<TextFile> threshold;
};

// Finds and reads what the settings name: files, directories (their *.rules), globs. Without a classification
// or reference file in the settings the ones beside the first rule file are taken, if they exist. The error
// holds a line for each file that can't be had, with the remedy.
[[nodiscard]] tl::expected<RuleFiles, std::vector<std::string>> read_rule_files(const RuleSettings& settings);

}  // namespace lockstep
