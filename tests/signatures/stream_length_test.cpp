#include "tests/signatures/matching.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep::signatures;

TEST_CASE("a stream is inspected to its end, however long it is", "[signatures][scanner]") {
  // Suricata stops after 1 MiB (stream.reassembly.depth).
  constexpr std::size_t length = 3 * 1024 * 1024;
  Matching matching({make_rule(1, {content("needle")})});
  const std::string piece(16 * 1024, 'x');
  while (matching.stream.size() < length) matching.feed(piece);
  matching.feed("needle");
  CHECK(matching.ends() == Ends{length + 6});
}
