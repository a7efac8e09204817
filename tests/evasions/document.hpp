// docs/EVASIONS.md, from the rows and what a run measured.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/evasions/row.hpp"
#include "tests/evasions/tagged_tests.hpp"
#include "tests/oracle/conversation.hpp"

namespace lockstep::evasions {

struct SectionRows {
  const Section* section;
  std::vector<Row> rows;
};
struct Catalogue {
  std::vector<SectionRows> sections;
  TaggedTests tagged;
  std::map<std::string, std::string> swept;  // what the sweeps of O01 and O02 told
};

// Plays every case once.
[[nodiscard]] std::string markdown(Catalogue& catalogue, oracle::KernelHost& host, oracle::Rules& rules);

}  // namespace lockstep::evasions
