// A row of the catalogue of evasions: what is sent, packet by packet, what the host makes of it, and what
// Lockstep does. The rows stand in *.rows files in a notation of their own, one packet a line:
//
//   D04 Data with an old timestamp                      the id and the title
//     note PAWS keeps it out                            for the reader
//     case far in the past                              one way to play it; options behind the text, in
//     braces
//       handshake                                       both ends open the connection
//       PA @0 "EVIL" tsval-100000 | A/1 | drop paws_old !pkt_invalid_timestamp
//       PA @0 "GOOD"              | A/5 | forward
//       host     "GOOD" established                     what the application read, and its connection: raw
//       lockstep "GOOD" established                     … with the engine in between
//       observed scanned                                … with the engine looking on
//     test "a name"                                     instead of a case: what no conversation with a host
//     shows
//
// A packet: its flags (`0` for none), where it starts (`@k` behind the start of the peer's stream, `isn+k`,
// `edge+k`, `sack+k`, `acked+k`), its payload in quotes (or `x*100`) and what is odd about it (see row.cpp).
// Behind the first bar stands what the host answers without the engine, behind the second what the engine
// does, events with `!`, packets of its own with `+`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "tests/oracle/scenario.hpp"

namespace lockstep::evasions {

// One line of a case.
struct Line {
  std::string text;                 // as it is written
  std::vector<oracle::Step> steps;  // one, or those that the line stands for
  std::string answers;              // expected of the host
  std::string verdict;              // expected of the engine
};

struct Case {
  std::string title;
  oracle::Scenario scenario;  // without steps
  bool alone = false;         // not mirrored and so on: it means one side only
  std::vector<Line> lines;
  std::string host;
  std::string lockstep;
  std::string observed;
};

struct Row {
  std::string id;
  std::string title;
  std::vector<std::string> notes;
  std::vector<Case> cases;
};

// H08 and so on.
[[nodiscard]] bool is_id(std::string_view word);

// The error names the line.
[[nodiscard]] tl::expected<std::vector<Row>, std::string> parse_rows(std::string_view text);
[[nodiscard]] std::string print_rows(const std::vector<Row>& rows);

// The scenario with its steps.
[[nodiscard]] oracle::Scenario scenario_of(const Case& of);

// Sections of the catalogue: the letter of its ids, how many there are, its title, its file.
struct Section {
  char letter;
  std::size_t rows;
  std::string_view title;
  std::string_view file;
};
[[nodiscard]] const std::vector<Section>& sections();

}  // namespace lockstep::evasions
