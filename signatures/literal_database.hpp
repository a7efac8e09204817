// Many literals compiled for one pass over bytes (Hyperscan), caseless. The compiled form can be kept between
// runs. Immutable; any thread, each with a scratch of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <hs/hs.h>
#include <tl/expected.hpp>

#include "signatures/rule_set.hpp"

namespace lockstep::signatures {

class LiteralDatabase {
 public:
  enum class Mode : std::uint8_t { stream, block };

  // The id reported for literals[n] is n. `cache` may be null.
  [[nodiscard]] static tl::expected<LiteralDatabase, std::string> compile(
      const std::vector<std::vector<std::uint8_t>>& literals, Mode mode, DatabaseCache* cache);

  [[nodiscard]] const hs_database_t* get() const { return database_.get(); }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t stream_bytes() const;  // of each open stream
  [[nodiscard]] bool from_cache() const { return from_cache_; }

  // Identifies literals, mode, library and kind of machine.
  [[nodiscard]] static std::string key(const std::vector<std::vector<std::uint8_t>>& literals, Mode mode);

 private:
  struct Free {
    void operator()(hs_database_t* database) const { hs_free_database(database); }
  };
  std::unique_ptr<hs_database_t, Free> database_;
  bool from_cache_ = false;
};

}  // namespace lockstep::signatures
