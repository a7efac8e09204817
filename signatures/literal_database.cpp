#include "signatures/literal_database.hpp"

#include <array>
#include <cstdlib>

#include <fmt/format.h>
#include <xxhash.h>

namespace lockstep::signatures {
namespace {

constexpr std::uint32_t cache_format = 1;

unsigned hs_mode(LiteralDatabase::Mode mode) {
  return mode == LiteralDatabase::Mode::stream ? HS_MODE_STREAM : HS_MODE_BLOCK;
}

// Every byte as \xNN: hs_compile_lit_multi refuses DOTALL and, in some builds, a leading NUL; the database is
// the same.
std::string escaped(const std::vector<std::uint8_t>& literal) {
  std::string text;
  text.reserve(literal.size() * 4);
  for (const std::uint8_t byte : literal) text += fmt::format("\\x{:02x}", byte);
  return text;
}

std::vector<char> serialized(const hs_database_t* database) {
  char* bytes = nullptr;
  std::size_t length = 0;
  if (hs_serialize_database(database, &bytes, &length) != HS_SUCCESS) return {};
  std::vector<char> copy(bytes, bytes + length);
  std::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
  const auto sum = XXH3_64bits(copy.data(), copy.size());
  std::array<char, sizeof sum> tail{};
  std::memcpy(tail.data(), &sum, sizeof sum);
  copy.insert(copy.end(), tail.begin(), tail.end());
  return copy;
}

// Null if the bytes are not what `serialized` made on a machine like this one.
hs_database_t* deserialized(std::span<const char> bytes) {
  XXH64_hash_t sum = 0;
  if (bytes.size() <= sizeof sum) return nullptr;
  const std::size_t length = bytes.size() - sizeof sum;
  std::memcpy(&sum, bytes.data() + length, sizeof sum);
  if (XXH3_64bits(bytes.data(), length) != sum) return nullptr;
  hs_database_t* database = nullptr;
  return hs_deserialize_database(bytes.data(), length, &database) == HS_SUCCESS ? database : nullptr;
}

}  // namespace

std::string LiteralDatabase::key(const std::vector<std::vector<std::uint8_t>>& literals, Mode mode) {
  hs_platform_info_t platform{};
  hs_populate_platform(&platform);
  std::string text = fmt::format("{}|{}|{}|{}|{}|", cache_format, hs_version(), hs_mode(mode), platform.tune,
                                 platform.cpu_features);
  for (const auto& literal : literals) {
    text += fmt::format("{}:", literal.size());
    text.append(literal.begin(), literal.end());
  }
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

tl::expected<LiteralDatabase, std::string> LiteralDatabase::compile(
    const std::vector<std::vector<std::uint8_t>>& literals, Mode mode, DatabaseCache* cache) {
  LiteralDatabase result;
  const std::string name = cache != nullptr ? key(literals, mode) : std::string();
  if (cache != nullptr) {
    if (const auto kept = cache->load(name)) result.database_.reset(deserialized(*kept));
    result.from_cache_ = result.database_ != nullptr;
    if (result.from_cache_) return result;
  }
  std::vector<std::string> texts;
  std::vector<const char*> expressions;
  std::vector<unsigned> ids;
  texts.reserve(literals.size());
  for (const auto& literal : literals) {
    ids.push_back(static_cast<unsigned>(ids.size()));
    expressions.push_back(texts.emplace_back(escaped(literal)).c_str());
  }
  const std::vector<unsigned> flags(literals.size(), HS_FLAG_CASELESS);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()),
                       hs_mode(mode), nullptr, &database, &error) != HS_SUCCESS) {
    std::string text = error != nullptr ? error->message : "out of memory";
    hs_free_compile_error(error);
    return tl::make_unexpected(std::move(text));
  }
  result.database_.reset(database);
  if (cache != nullptr) {
    if (const auto bytes = serialized(database); !bytes.empty()) cache->store(name, bytes);
  }
  return result;
}

std::size_t LiteralDatabase::bytes() const {
  std::size_t size = 0;
  return hs_database_size(database_.get(), &size) == HS_SUCCESS ? size : 0;
}

std::size_t LiteralDatabase::stream_bytes() const {
  std::size_t size = 0;
  return hs_stream_size(database_.get(), &size) == HS_SUCCESS ? size : 0;
}

}  // namespace lockstep::signatures
