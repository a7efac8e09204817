#include "xdp/shared_map.hpp"

#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lockstep::xdp {

Map::~Map() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

tl::expected<Map, std::string> Map::open(const std::string& pins, const char* name) {
  const std::string path = pins + "/" + name;
  const int descriptor = bpf_obj_get(path.c_str());
  if (descriptor < 0)
    return tl::unexpected(
        fmt::format("{}: {}", path, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  return Map(descriptor);
}

namespace {

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

void* map_memory(int descriptor, std::size_t bytes) {
  void* memory = ::mmap(nullptr, whole_pages(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void unmap_memory(void* memory, std::size_t bytes) {
  ::munmap(memory, whole_pages(bytes));
}

}  // namespace lockstep::xdp
