// All ways in which two or three segments with different bytes can lie to each other, in order and behind a
// hole that is filled at the end.
#pragma once
#include <string>
#include <vector>

#include "tests/oracle/conversation.hpp"

namespace lockstep::evasions {

[[nodiscard]] inline bool is_swept(const std::string& id) {
  return id == "O01" || id == "O02";
}

struct Sweep {
  std::string told;                 // what came out, for the document
  std::vector<std::string> broken;  // promises that did not hold
};
// O01: pairs, O02: triples.
[[nodiscard]] Sweep play_overlaps(const std::string& id, oracle::KernelHost& host, oracle::Rules& rules);

}  // namespace lockstep::evasions
