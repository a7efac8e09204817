// What an operator says of addresses and connections: which prefix counts, when it runs out, and what the
// pipeline makes of it.
#include <fmt/format.h>

#include "engine/address_lists.hpp"
#include "engine/mailbox.hpp"
#include "engine/prefix_files.hpp"
#include "tests/support/wire.hpp"

using namespace lockstep;
using namespace lockstep::test;
using namespace std::chrono_literals;

namespace {

Prefix prefix(std::string_view text) {
  return parse_prefix(text).value();
}

reassembly::Address address(std::string_view text) {
  return prefix(text).address;
}

std::shared_ptr<const AddressLists> lists(const std::vector<std::pair<std::string_view, ListWord>>& entries) {
  AddressBook book;
  for (const auto& [text, word] : entries) CHECK(book.put(prefix(text), word, {}));
  return book.lists();
}

void miss_all(Wire& wire) {
  std::size_t place = 0;
  do {
    place = wire.pipeline().walk(place, 64, [&](Flow& flow) { wire.pipeline().miss(flow); });
  } while (place != 0);
}

constexpr const char* evil = "drop tcp any any -> any any (content:\"evil\"; sid:1;)\n";

}  // namespace

TEST_CASE("the longest prefix counts, and a block of one end before an allow of the other",
          "[engine][listed]") {
  const auto all = lists({{"10.0.0.0/8", ListWord::block},
                          {"10.1.0.0/16", ListWord::allow},
                          {"10.1.2.3", ListWord::block},
                          {"2001:db8::/33", ListWord::allow}});
  CHECK(all->of(address("10.9.9.9")) == ListWord::block);
  CHECK(all->of(address("10.1.9.9")) == ListWord::allow);
  CHECK(all->of(address("10.1.2.3")) == ListWord::block);
  CHECK(all->of(address("11.0.0.0")) == ListWord::none);
  CHECK(all->of(address("9.255.255.255")) == ListWord::none);
  CHECK(all->of(address("2001:db8:7fff::1")) == ListWord::allow);
  CHECK(all->of(address("2001:db8:8000::1")) == ListWord::none);
  CHECK(all->of(address("10.1.9.9"), address("192.0.2.1")) == ListWord::allow);
  CHECK(all->of(address("192.0.2.1"), address("10.1.9.9")) == ListWord::allow);
  CHECK(all->of(address("10.1.9.9"), address("10.9.9.9")) == ListWord::block);
  CHECK(lists({{"0.0.0.0/0", ListWord::block}})->of(address("192.0.2.1")) == ListWord::block);
  CHECK(lists({{"0.0.0.0/0", ListWord::block}})->of(address("2001:db8::1")) == ListWord::none);
  CHECK(lists({}) == nullptr);
}

TEST_CASE("a listed prefix is said once, and runs out", "[engine][listed]") {
  const AddressBook::Time now{};
  AddressBook book;
  CHECK(book.put(prefix("10.0.0.7/8"), ListWord::block, now + 10s));
  CHECK(book.put(prefix("10.0.0.9/8"), ListWord::allow, now + 20s));  // the same prefix
  CHECK(book.put(prefix("192.0.2.1"), ListWord::block, {}));
  CHECK(book.size() == 2);
  CHECK_FALSE(book.expire(now + 19s));
  CHECK(book.lists()->of(address("10.4.4.4")) == ListWord::allow);
  CHECK(book.expire(now + 20s));
  CHECK_FALSE(book.remove(prefix("10.0.0.0/8")));
  CHECK(book.remove(prefix("192.0.2.1/32")));
  for (std::uint32_t i = 0; i < AddressBook::most; ++i) {
    Prefix one = prefix("10.0.0.0");
    one.address.bytes[2] = static_cast<std::uint8_t>(i >> 8U);
    one.address.bytes[3] = static_cast<std::uint8_t>(i);
    if (!book.put(one, ListWord::block, {})) FAIL("no room for " << i);
  }
  CHECK_FALSE(book.put(prefix("192.0.2.1"), ListWord::block, {}));
  CHECK(book.put(prefix("10.0.0.0"), ListWord::allow, {}));
}

TEST_CASE("packets of a blocked address go no further, and its connections go on behind the block",
          "[engine][listed]") {
  auto wire = Wire::established(with_rules(evil));
  wire.client.sends("one").passes().delivers("one");
  wire.pipeline().set_lists(lists({{"10.0.0.2/31", ListWord::block}}));
  wire.as_client().sends("two", {.seq = 4}).drops(Reason::blocked).delivers_nothing();
  wire.as_server().acks({.ack = 4}).drops(Reason::blocked);
  wire.as_client().sends("two two two two two", {.seq = 4, .fragment = 24}).drops(Reason::blocked);
  wire.pipeline().set_lists(nullptr);
  wire.client.sends("two").passes().delivers("two");
  wire.client.sends("evil").drops_flow(Reason::signature).fires({1});
}

TEST_CASE("what is allowed is followed and not inspected; its connection stays so", "[engine][listed]") {
  auto wire = Wire::established(with_rules(evil));
  wire.client.sends("ev").passes();
  wire.pipeline().set_lists(lists({{"10.0.0.1", ListWord::allow}}));
  wire.client.sends("il evil").passes().delivers("il evil").fires({});
  CHECK(wire.flow().final_verdict == Final::bypassed);
  wire.as_client().sends("no", {.seq = 100'000}).drops(Reason::beyond_window);
  wire.pipeline().set_lists(nullptr);
  wire.client.sends("evil").passes().fires({});
}

TEST_CASE("a connection that begins while its address is allowed is never inspected", "[engine][listed]") {
  Wire wire(with_rules(evil));
  wire.pipeline().set_lists(lists({{"10.0.0.0/8", ListWord::allow}}));
  wire.client.syns().passes();
  wire.server.syn_acks().passes();
  wire.client.acks().passes();
  wire.client.sends("evil").passes().fires({});
  wire.pipeline().set_lists(nullptr);
  wire.client.sends("evil").passes().fires({});
}

TEST_CASE("when observing, an allow holds and a block does not", "[engine][listed]") {
  auto options = watching();
  options.rules = evil;
  auto wire = Wire::established(std::move(options));
  wire.pipeline().set_lists(lists({{"10.0.0.1", ListWord::block}}));
  wire.client.sends("evil").passes().delivers("evil").fires({1});
}

TEST_CASE("one connection is blocked: both ends are reset, and what they send is refused by name",
          "[engine][listed]") {
  auto wire = Wire::established(with_rules(evil));
  wire.client.sends("one").passes();
  std::size_t blocked = 0;
  for (std::size_t place = 0;;) {
    place =
        wire.pipeline().walk(place, 64, [&](Flow& flow) { blocked += wire.pipeline().block(flow) ? 1 : 0; });
    if (place == 0) break;
  }
  CHECK(blocked == 1);
  CHECK(wire.resets() == 2);
  wire.client.sends("two").drops(Reason::blocked);
}

TEST_CASE("a worker's questions are answered in their order, a piece a turn, and there is a bound",
          "[engine][listed]") {
  Wire wire;
  Pipeline& pipeline = wire.pipeline();
  Mailbox mailbox;
  CHECK_FALSE(mailbox.work(pipeline));
  std::vector<int> done;
  int pieces = 0;
  CHECK(mailbox.post([&](Pipeline&) { return ++pieces == 3; }));
  for (int i = 1; i < static_cast<int>(Mailbox::room); ++i) {
    CHECK(mailbox.post([&done, i](Pipeline&) {
      done.push_back(i);
      return true;
    }));
  }
  CHECK_FALSE(mailbox.post([](Pipeline&) { return true; }));
  for (int turn = 0; turn < 4; ++turn) CHECK(mailbox.work(pipeline));
  CHECK(pieces == 3);
  CHECK(done == std::vector{1});
  CHECK(mailbox.post([](Pipeline&) { return true; }));
  while (mailbox.work(pipeline)) {
  }
  CHECK(done.size() == Mailbox::room - 1);
  CHECK(mailbox.post([&](Pipeline&) { return false; }));
  mailbox.close();
  CHECK_FALSE(mailbox.work(pipeline));
  CHECK_FALSE(mailbox.post([](Pipeline&) { return true; }));
}

TEST_CASE("the kernel gets what is blocked, and of what is allowed that within a block", "[engine][listed]") {
  const auto of_file = [](std::string_view text, bool allow) {
    const Prefix one = prefix(text);
    return xdp::Prefix{one.address.bytes, one.address.version, one.bits, allow};
  };
  KernelPrefixes prefixes;
  prefixes.files = {of_file("10.0.0.0/8", false), of_file("2001:db8::/32", true)};
  prefixes.listed = {{prefix("10.1.2.3"), ListWord::allow},
                     {prefix("192.0.2.0/24"), ListWord::block},
                     {prefix("192.0.2.0/24"), ListWord::allow},
                     {prefix("198.51.100.1"), ListWord::allow}};
  const auto all = prefixes.all();
  std::vector<std::string> texts;
  for (const xdp::Prefix& one : all)
    texts.push_back(fmt::format("{}.{}/{} {}", one.address[0], one.address[1], one.length, one.allow));
  CHECK(texts == std::vector<std::string>{"10.0/8 false", "32.1/32 true", "192.0/24 false", "10.1/32 true",
                                          "192.0/24 true"});
  prefixes.listed.clear();
  const auto gone = no_longer_allowed(all, prefixes.all());
  REQUIRE(gone);
  CHECK(gone->of(address("10.1.2.3")) == ListWord::allow);
  CHECK(gone->of(address("192.0.2.9")) == ListWord::allow);
  CHECK(gone->of(address("2001:db8::1")) == ListWord::none);
  CHECK(no_longer_allowed(all, all) == nullptr);
  CHECK(no_longer_allowed({}, all) == nullptr);
}

TEST_CASE("a connection that was forwarded past us is met anew, in its middle", "[engine][listed]") {
  auto wire = Wire::established(with_rules(evil));
  wire.client.sends("one").passes().delivers("one");
  // Bytes 4 to 1004 of the client went past, and were acknowledged.
  wire.pipeline().forget_unknown();
  miss_all(wire);
  wire.as_client().sends("an evil", {.seq = 1004}).drops_flow(Reason::signature);
}

TEST_CASE("a connection that holds unscanned bytes ends when it was forwarded past us", "[engine][listed]") {
  auto wire = Wire::established(with_rules(evil));
  wire.as_client().sends("il", {.seq = 3}).passes();
  miss_all(wire);
  wire.as_client().sends("ev", {.seq = 1}).drops(Reason::forwarded_past);
}
