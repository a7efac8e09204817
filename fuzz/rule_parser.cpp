#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "tests/support/rule_parser_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!lockstep::test::keeps_promises(text)) std::abort();
  return 0;
}
