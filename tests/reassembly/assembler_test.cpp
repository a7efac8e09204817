#include "reassembly/assembler.hpp"

#include <map>
#include <numeric>
#include <vector>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"

using namespace lockstep::reassembly;

namespace {

std::vector<std::uint8_t> bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string text(const Assembler& assembler, StreamOffset from, StreamOffset to) {
  std::string out;
  assembler.read(from, to, [&](std::span<const std::uint8_t> run) { out.append(run.begin(), run.end()); });
  return out;
}

}  // namespace

TEST_CASE("data in order moves the frontier", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(0, bytes("GET "));
  assembler.insert(4, bytes("/index"));
  CHECK(assembler.in_order() == 10);
  CHECK(text(assembler, 0, 10) == "GET /index");
}

TEST_CASE("an island waits for its hole to be filled", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(4, bytes("5678"));
  CHECK(assembler.in_order() == 0);
  CHECK(assembler.first_island() == 4);
  CHECK(assembler.bytes_ahead() == 4);
  CHECK(assembler.in_order_after(0, 3) == 3);
  CHECK(assembler.in_order_after(0, 4) == 8);
  assembler.insert(0, bytes("1234"));
  CHECK(assembler.in_order() == 8);
  CHECK_FALSE(assembler.has_islands());
  CHECK(text(assembler, 0, 8) == "12345678");
}

TEST_CASE("a byte once kept never changes", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(2, bytes("EVIL"));
  assembler.insert(0, bytes("goodgood"));
  CHECK(text(assembler, 0, 8) == "goEVILod");
}

TEST_CASE("comparing tells in-order bytes from bytes ahead of a hole", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(0, bytes("abcd"));
  assembler.insert(8, bytes("ijkl"));
  CHECK_FALSE(assembler.compare(0, bytes("abcd")).in_order);
  CHECK(assembler.compare(2, bytes("cX")).in_order);
  CHECK_FALSE(assembler.compare(2, bytes("cX")).ahead);
  CHECK(assembler.compare(6, bytes("ghiX")).ahead);
  CHECK_FALSE(assembler.compare(4, bytes("WXYZ")).in_order);
  CHECK_FALSE(assembler.compare(4, bytes("WXYZ")).ahead);
  auto copy = bytes("XXXXefghXXXX");
  assembler.overlay(0, copy);
  CHECK(std::string(copy.begin(), copy.end()) == "abcdefghijkl");
}

TEST_CASE("what is released goes back to the pool", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  const std::vector<std::uint8_t> large(3 * Block::size, 'x');
  assembler.insert(0, large);
  CHECK(pool.blocks_in_use() == 3);
  assembler.release(Block::size);
  CHECK(pool.blocks_in_use() == 2);
  assembler.release(assembler.in_order());
  CHECK(pool.blocks_in_use() == 0);
  CHECK(assembler.kept_from() == 3 * static_cast<StreamOffset>(Block::size));
}

TEST_CASE("out-of-order data can't take the reserve of data in order", "[reassembly][assembler]") {
  BytePool pool(8, 8);  // two of eight are reserved
  Assembler assembler(pool);
  for (StreamOffset i = 1; i <= 6; ++i) {
    REQUIRE(assembler.room_for(i * 10000, 1));
    assembler.insert(i * 10000, bytes("x"));
  }
  CHECK_FALSE(assembler.room_for(70000, 1));
  CHECK(assembler.room_for(0, 2 * Block::size));
}

TEST_CASE("a gap given up joins what was held behind it", "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(0, bytes("abcd"));
  assembler.insert(8, bytes("ijkl"));
  assembler.skip_to(8);
  CHECK(assembler.in_order() == 12);
  CHECK(assembler.kept_from() == 8);
  CHECK(text(assembler, 8, 12) == "ijkl");
}

TEST_CASE("a start that turns out to lie earlier makes an island of what was kept",
          "[reassembly][assembler]") {
  BytePool pool(8, 8);
  Assembler assembler(pool);
  assembler.insert(0, bytes("abcd"));
  assembler.retreat_to(-4);
  CHECK(assembler.in_order() == -4);
  CHECK(assembler.first_island() == 0);
  assembler.insert(-4, bytes("wxyz"));
  CHECK(assembler.in_order() == 4);
  CHECK(text(assembler, -4, 4) == "wxyzabcd");
}

// The obviously correct model: a map from offset to value.
TEST_CASE("the assembler agrees with a byte map under random operations",
          "[reassembly][assembler][property]") {
  CHECK(rc::check("byte map", [] {
    BytePool pool(512, 512);
    Assembler assembler(pool);
    std::map<StreamOffset, std::uint8_t> model;
    StreamOffset frontier = 0;
    StreamOffset kept = 0;
    const auto steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
      const auto offset = frontier + *rc::gen::inRange<StreamOffset>(-40, 5000);
      const auto length = *rc::gen::weightedOneOf<std::size_t>(
          {{5, rc::gen::inRange<std::size_t>(0, 30)}, {1, rc::gen::inRange<std::size_t>(0, 4000)}});
      std::vector<std::uint8_t> data(length);
      for (auto& byte : data) byte = static_cast<std::uint8_t>(*rc::gen::inRange(0, 4));
      if (*rc::gen::inRange(0, 3) == 0) {
        assembler.insert(frontier, data);
        for (std::size_t i = 0; i < length; ++i)
          model.emplace(frontier + static_cast<StreamOffset>(i), data[i]);
      } else {
        Assembler::Difference expected;
        for (std::size_t i = 0; i < length; ++i) {
          const auto at = offset + static_cast<StreamOffset>(i);
          const auto found = model.find(at);
          if (found == model.end() || at < kept || found->second == data[i]) continue;
          (at < frontier ? expected.in_order : expected.ahead) = true;
        }
        const auto difference = assembler.compare(offset, data);
        RC_ASSERT(difference.in_order == expected.in_order);
        RC_ASSERT(difference.ahead == expected.ahead);
        RC_ASSERT(assembler.room_for(offset, length));
        assembler.insert(offset, data);
        for (std::size_t i = 0; i < length; ++i) {
          const auto at = offset + static_cast<StreamOffset>(i);
          if (at >= frontier) model.emplace(at, data[i]);
        }
      }
      while (model.count(frontier) != 0) ++frontier;
      RC_ASSERT(assembler.in_order() == frontier);
      if (*rc::gen::inRange(0, 4) == 0) {
        const auto before = *rc::gen::inRange<StreamOffset>(kept, frontier + 1);
        assembler.release(before);
        kept = std::max(kept, before);
      }
      std::string expected;
      for (auto it = model.lower_bound(kept); it != model.end() && it->first < frontier; ++it) {
        expected += static_cast<char>(it->second);
      }
      RC_ASSERT(text(assembler, kept, frontier) == expected);
      std::uint64_t ahead = 0;
      for (auto it = model.lower_bound(frontier); it != model.end(); ++it) ++ahead;
      RC_ASSERT(assembler.bytes_ahead() == ahead);
    }
    assembler.clear();
    RC_ASSERT(pool.blocks_in_use() == 0U);
  }));
}
