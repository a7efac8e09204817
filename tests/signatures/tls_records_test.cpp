// Where a direction of TLS says that its bytes are encrypted.
#include "signatures/tls_records.hpp"

#include <string_view>

#include "tests/support/catch.hpp"

using namespace lockstep::signatures;
using namespace std::string_view_literals;

namespace {

bool encrypted(std::string_view stream, std::size_t piece) {
  TlsRecords records;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const std::string_view part = stream.substr(at, piece);
    records.take({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()});
  }
  return records.encrypted();
}

}  // namespace

TEST_CASE("application data encrypts a direction, whatever the cut", "[signatures][tls]") {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) {
    CHECK(encrypted("\x16\x03\x01\x00\x02hi\x14\x03\x03\x00\x01\x01\x17"sv, piece));
    CHECK(encrypted("\x16\x03\x01\x00\x00\x17\x03\x03\x00\x10"sv, piece));
    CHECK_FALSE(encrypted("\x16\x03\x01\x00\x02hi\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x28"sv, piece));
    CHECK_FALSE(
        encrypted("\x16\x03\x01\x00\x02\x17\x17\x15\x03\x03\x00\x01\x17"sv, piece));  // within records
    CHECK_FALSE(encrypted("\x16\x03\x01\x00\x02hiX\x17\x03\x03"sv, piece));           // out of step
    CHECK_FALSE(encrypted("\x16\x02\x01\x00\x02hi\x17\x03\x03"sv, piece));
    CHECK_FALSE(encrypted("\x16\x03\x01\xff\xffhi\x17\x03\x03"sv, piece));
  }
}

TEST_CASE("bytes that do not come end the count of records", "[signatures][tls]") {
  TlsRecords records;
  records.skip();
  const auto data = "\x17\x03\x03"sv;
  records.take({reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
  CHECK_FALSE(records.encrypted());
}
