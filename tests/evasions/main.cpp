// The catalogue of evasions, row by row, against a real Linux stack.
//   evasions [--row ID] [--transcript]       plays the rows and says what is not as they say
//   evasions --markdown docs/EVASIONS.md     writes the document as this run measured it
//   evasions --document docs/EVASIONS.md     fails if that is another text
//   evasions --fill                          writes what was measured into the *.rows files, to be reviewed
#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/evasions/document.hpp"
#include "tests/evasions/overlaps.hpp"
#include "tests/evasions/play_row.hpp"
#include "tests/evasions/tagged_tests.hpp"

using namespace lockstep;
using namespace lockstep::evasions;

namespace {

struct Settings {
  std::string sources = LOCKSTEP_SOURCES;
  std::string row;
  std::string document;
  bool transcript = false;
  std::string markdown;
  bool fill = false;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string path_of(const Settings& settings, const Section& section) {
  return fmt::format("{}/tests/evasions/{}", settings.sources, section.file);
}

// Every row of the catalogue, in its order.
tl::expected<Catalogue, std::string> load(const Settings& settings) {
  Catalogue catalogue;
  for (const Section& section : sections()) {
    auto rows = parse_rows(read_file(path_of(settings, section)));
    if (!rows) return tl::unexpected(fmt::format("{}: {}", section.file, rows.error()));
    for (std::size_t at = 0; at < std::max<std::size_t>(section.rows, rows->size()); ++at) {
      const std::string id = fmt::format("{}{:02}", section.letter, at + 1);
      if (at >= rows->size() || (*rows)[at].id != id || at >= section.rows)
        return tl::unexpected(fmt::format("{}: the section has {} rows, and {} is not in its place",
                                          section.file, section.rows, id));
    }
    catalogue.sections.push_back({&section, std::move(*rows)});
  }
  catalogue.tagged = find_tagged_tests(settings.sources + "/tests");
  return catalogue;
}

// Rows with neither a case nor a test that has their id as a tag.
bool all_tested(const Catalogue& catalogue) {
  bool all = true;
  for (const SectionRows& section : catalogue.sections) {
    for (const Row& row : section.rows) {
      if (!row.cases.empty() || is_swept(row.id) || catalogue.tagged.count(row.id) != 0) continue;
      std::cout << fmt::format("{0} has neither a case nor a test with the tag [{0}]\n", row.id);
      all = false;
    }
  }
  return all;
}

bool play_row(const Settings& settings, const Row& row, oracle::KernelHost& host, oracle::Rules& rules) {
  bool good = true;
  for (const Case& one : row.cases) {
    if (settings.transcript) std::cout << transcripts(one, host, rules);
    for (const std::string& what : check(one, host, rules)) {
      std::cout << fmt::format("{} {}: {}\n", row.id, one.title, what);
      good = false;
    }
  }
  return good;
}

bool play_rows(const Settings& settings, Catalogue& catalogue, oracle::KernelHost& host,
               oracle::Rules& rules) {
  bool good = true;
  std::size_t count = 0;
  for (const SectionRows& section : catalogue.sections) {
    for (const Row& row : section.rows) {
      if (!settings.row.empty() && row.id != settings.row) continue;
      good = play_row(settings, row, host, rules) && good;
      count += row.cases.size();
      if (!is_swept(row.id)) continue;
      const Sweep sweep = play_overlaps(row.id, host, rules);
      for (const std::string& what : sweep.broken) std::cout << row.id << ": " << what << '\n';
      good = good && sweep.broken.empty();
      catalogue.swept[row.id] = sweep.told;
      ++count;
    }
  }
  std::cout << fmt::format("{} cases: {}\n", count, good ? "as the rows say" : "FAILED");
  return good && count > 0;
}

int fill(const Settings& settings, Catalogue& catalogue, oracle::KernelHost& host, oracle::Rules& rules) {
  for (SectionRows& section : catalogue.sections) {
    for (Row& row : section.rows) {
      if (!settings.row.empty() && row.id != settings.row) continue;
      for (Case& one : row.cases) one = measure(one, host, rules).as_measured;
    }
    std::ofstream(path_of(settings, *section.section)) << print_rows(section.rows);
  }
  return 0;
}

int run(const Settings& settings) {
  auto catalogue = load(settings);
  if (!catalogue) {
    std::cout << catalogue.error() << '\n';
    return 1;
  }
  if (settings.row.empty() && !settings.fill && !all_tested(*catalogue)) return 1;
  auto host = oracle::KernelHost::make();
  if (!host) {
    std::cout << "SKIPPED: " << host.error() << '\n';
    return 0;
  }
  oracle::Rules rules(word);
  if (settings.fill) return fill(settings, *catalogue, **host, rules);
  if (settings.markdown.empty() && settings.document.empty())
    return play_rows(settings, *catalogue, **host, rules) ? 0 : 1;
  const std::string text = markdown(*catalogue, **host, rules);
  if (!settings.markdown.empty()) std::ofstream(settings.markdown) << text;
  if (settings.document.empty() || text == read_file(settings.document)) return 0;
  std::cout << settings.document << " is not what this run measured: make evasions\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"The catalogue of evasions against a real Linux TCP stack, with and without the engine"};
  app.add_option("--sources", settings.sources, "the tree in which the rows and the tests are");
  app.add_option("--row", settings.row, "this row alone, as H08");
  app.add_flag("--transcript", settings.transcript, "print each conversation");
  app.add_option("--markdown", settings.markdown, "write the document into this file");
  app.add_option("--document", settings.document, "fail if this file is not the document");
  app.add_flag("--fill", settings.fill, "write what was measured into the *.rows files");
  CLI11_PARSE(app, argc, argv);
  return run(settings);
}
