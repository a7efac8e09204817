#include "engine/pool.hpp"

#include <map>

#include <rapidcheck.h>

#include "tests/support/catch.hpp"

using namespace lockstep;

namespace {

struct Counted {
  explicit Counted(int v, int& alive_count) : value(v), alive(alive_count) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int value;
  int& alive;
};

}  // namespace

TEST_CASE("a pool holds its capacity, refuses one more, and says so", "[engine][pool]") {
  int alive = 0;
  Pool<Counted> pool(2);
  Counted* a = pool.make(1, alive);
  Counted* b = pool.make(2, alive);
  REQUIRE(a != nullptr);
  REQUIRE(b != nullptr);
  CHECK(pool.full());
  CHECK(pool.make(3, alive) == nullptr);
  CHECK(pool.refused() == 1);
  CHECK(alive == 2);
  pool.release(*a);
  CHECK(alive == 1);
  Counted* c = pool.make(4, alive);
  CHECK(c == a);  // the place used last is the first to be used again
  pool.release(*b);
  pool.release(*c);
  CHECK(pool.in_use() == 0);
  CHECK(pool.peak() == 2);
}

TEST_CASE("objects of a pool keep place and value while others come and go", "[engine][pool]") {
  CHECK(rc::check([] {
    int alive = 0;
    Pool<Counted> pool(8);
    std::map<std::uint32_t, int> model;
    const auto script = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-8, 100));
    for (const int step : script) {
      if (step >= 0) {
        Counted* made = pool.make(step, alive);
        RC_ASSERT((made == nullptr) == (model.size() == 8));
        if (made != nullptr) RC_ASSERT(model.emplace(pool.index_of(*made), step).second);
      } else if (const auto found = model.find(static_cast<std::uint32_t>(-step - 1)); found != model.end()) {
        pool.release(pool[found->first]);
        model.erase(found);
      }
      RC_ASSERT(pool.in_use() == model.size());
      for (const auto& [index, value] : model) RC_ASSERT(pool[index].value == value);
    }
    std::map<std::uint32_t, int> visited;
    pool.for_each([&](Counted& object) {
      visited.emplace(pool.index_of(object), object.value);
      pool.release(object);
    });
    RC_ASSERT(visited == model);
    RC_ASSERT(alive == 0);
  }));
}

TEST_CASE("an array starts as zeros", "[engine][pool]") {
  ZeroedArray<std::uint32_t> array(100'000);
  for (std::size_t i = 0; i < array.size(); i += 997) REQUIRE(array[i] == 0);
  array[99'999] = 7;
  CHECK(array[99'999] == 7);
}
