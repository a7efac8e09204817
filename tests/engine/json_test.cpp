#include "engine/output/json.hpp"

#include <nlohmann/json.hpp>

#include "engine/output/text.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace std::chrono_literals;
using Json = nlohmann::json;

TEST_CASE("whatever stands in a rule, the line is JSON", "[engine][eve][json]") {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  std::string out;
  JsonLine line(out);
  line.field("a", "caf\xc3\xa9 \xf0\x9f\x98\x80 \xe2\x82\xac");
  line.field("b", all);
  line.field("overlong", "\xc0\x80 \xe0\x80\x80 \xf0\x80\x80\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x82");
  line.open_list_of(all);
  line.close();
  line.open_list("list");
  line.item("x");
  line.item(std::uint64_t{18446744073709551615U});
  line.open_item();
  line.field("yes", true);
  line.finish();
  const Json json = Json::parse(out);
  CHECK(json["a"] == "caf\xc3\xa9 \xf0\x9f\x98\x80 \xe2\x82\xac");
  std::string latin;
  for (int c = 1; c < 256; ++c) {
    if (c >= 0x80) latin += static_cast<char>(0xc0 | c >> 6);
    latin += static_cast<char>(c < 0x80 ? c : 0x80 | (c & 0x3f));
  }
  CHECK(json["b"] == latin);
  CHECK(json["list"][1] == 18446744073709551615U);
  CHECK(json["list"][2]["yes"] == true);
}

TEST_CASE("base64 is that of RFC 4648", "[engine][eve][json][rfc4648-10]") {
  const std::string text = "foobar";
  const std::vector<std::string> expected{"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
    std::string out;
    JsonLine line(out);
    line.base64("b", bytes);
    line.finish();
    CHECK(out == "{\"b\":\"" + expected[n] + "\"}\n");
  }
}

TEST_CASE("times stay right across seconds, days and years", "[engine][eve]") {
  TimeText text;
  const Timestamp last =
      Timestamp{std::chrono::sys_days{std::chrono::year{2023} / 12 / 31}} + 23h + 59min + 59s + 999999us;
  CHECK(text.iso(last) == "2023-12-31T23:59:59.999999+0000");
  CHECK(text.iso(last + 1us) == "2024-01-01T00:00:00.000000+0000");
  CHECK(text.american(last) == "12/31/2023-23:59:59.999999");
  CHECK(text.iso(Timestamp{}) == "1970-01-01T00:00:00.000000+0000");
}
