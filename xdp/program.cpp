#include "xdp/program.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <lockstep.skel.h>  // made of lockstep.bpf.c
#include <net/if.h>
#include <xdp/libxdp.h>
#include <xxhash.h>

namespace lockstep::xdp {
namespace {

template <auto Release>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Release(object);
  }
};
using Skeleton = std::unique_ptr<lockstep_bpf, Deleter<lockstep_bpf__destroy>>;
using Programs = std::unique_ptr<xdp_multiprog, Deleter<xdp_multiprog__close>>;
using XdpProgram = std::unique_ptr<xdp_program, Deleter<xdp_program__close>>;

std::string reason(int error) {
  return std::strerror(error < 0 ? -error : error);  // NOLINT(concurrency-mt-unsafe)
}

// libbpf and libxdp tell why on stderr, in many lines; the last of them goes into our error.
std::string& last_words() {
  static std::string words;
  return words;
}

__attribute__((format(printf, 2, 0))) void keep(bool warning, const char* format, std::va_list arguments) {
  if (!warning) return;
  std::array<char, 512> line{};
  static_cast<void>(std::vsnprintf(line.data(), line.size(), format, arguments));
  last_words() = line.data();
  while (!last_words().empty() && last_words().back() == '\n') last_words().pop_back();
}

int keep_libbpf(libbpf_print_level level, const char* format, std::va_list arguments) {
  keep(level == LIBBPF_WARN, format, arguments);
  return 0;
}

int keep_libxdp(libxdp_print_level level, const char* format, std::va_list arguments) {
  keep(level == LIBXDP_WARN, format, arguments);
  return 0;
}

std::string with_last_words(std::string text) {
  return last_words().empty() ? text : fmt::format("{} ({})", text, last_words());
}

std::uint64_t build_of_object() {
  std::size_t size = 0;
  const void* bytes = lockstep_bpf__elf_bytes(&size);
  return XXH3_64bits(bytes, size);
}

Programs programs_on(unsigned index) {
  xdp_multiprog* programs = xdp_multiprog__get_from_ifindex(static_cast<int>(index));
  return Programs(libxdp_get_error(programs) != 0 ? nullptr : programs);
}

// The attached program of this number, which the dispatcher runs, or which stands there alone.
bool is_attached(const Programs& programs, std::uint32_t id, bool& dispatched) {
  if (!programs) return false;
  dispatched = !xdp_multiprog__is_legacy(programs.get());
  if (!dispatched) return xdp_program__id(xdp_multiprog__main_prog(programs.get())) == id;
  for (xdp_program* program = nullptr;
       (program = xdp_multiprog__next_prog(program, programs.get())) != nullptr;)
    if (xdp_program__id(program) == id) return true;
  return false;
}

std::uint32_t id_of_pinned(const std::string& pins) {
  const int descriptor = bpf_obj_get((pins + "/program").c_str());
  if (descriptor < 0) return 0;
  const Map closes(descriptor);
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  return bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 ? info.id : 0;
}

using Indexes = std::array<unsigned, LS_SIDES>;

bool stands_alone(unsigned index, std::uint32_t id, bool native) {
  const Programs programs = programs_on(index);
  bool dispatched = false;
  return is_attached(programs, id, dispatched) && !dispatched &&
         xdp_multiprog__attach_mode(programs.get()) == (native ? XDP_MODE_NATIVE : XDP_MODE_SKB);
}

// The attached program of this number stands there alone. CAP_NET_ADMIN is enough, where libxdp, which opens
// programs by their numbers, needs CAP_SYS_ADMIN.
int detach_alone(unsigned index, const std::string& pins, std::uint8_t mode) {
  const Map program(bpf_obj_get((pins + "/program").c_str()));
  DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = program.descriptor());
  const std::uint32_t hook = mode == XDP_ATTACHED_DRV ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  return bpf_xdp_detach(static_cast<int>(index), hook | XDP_FLAGS_REPLACE, &options);
}

int detach_from(unsigned index, std::uint32_t id, const std::string& pins) {
  DECLARE_LIBBPF_OPTS(bpf_xdp_query_opts, there);
  if (bpf_xdp_query(static_cast<int>(index), 0, &there) != 0 || there.prog_id == 0) return 0;
  if (there.prog_id == id) return detach_alone(index, pins, there.attach_mode);
  const Programs programs = programs_on(index);
  bool dispatched = false;
  if (!is_attached(programs, id, dispatched)) return 0;
  const XdpProgram program(xdp_program__from_id(id));
  return xdp_program__detach(program.get(), static_cast<int>(index),
                             xdp_multiprog__attach_mode(programs.get()), 0);
}

tl::expected<void, std::string> attach_to(xdp_program* program, const std::string& interface, unsigned index,
                                          bool native) {
  last_words().clear();
  const int error =
      xdp_program__attach(program, static_cast<int>(index), native ? XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
  if (error == 0) return {};
  if (error == -EBUSY || error == -EEXIST)
    return tl::unexpected(
        fmt::format("{}: another XDP program is attached: ip link set {} xdp off", interface, interface));
  if (error == -ERANGE)
    return tl::unexpected(fmt::format("{}: its MTU is larger than the driver takes with XDP", interface));
  return tl::unexpected(
      with_last_words(fmt::format("{}: the XDP program can't be attached in {} mode: {}", interface,
                                  native ? "native" : "generic", reason(error))));
}

// How the maps know the pair, before a frame is decided by them.
tl::expected<void, std::string> name_pair(const lockstep_bpf& skeleton, const Indexes& indexes,
                                          bool fail_closed) {
  ls_config config{};
  config.abi = LS_ABI;
  config.build = build_of_object();
  config.prefixes = LS_PREFIX_TABLES;
  config.everything = 1;
  config.epoch = 1;
  config.fail_closed = fail_closed ? 1 : 0;
  const std::uint32_t zero = 0;
  for (std::uint32_t side = 0; side < LS_SIDES; ++side) config.ifindex[side] = indexes[side];
  if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.config), &zero, &config, BPF_ANY) != 0)
    return tl::unexpected(fmt::format("the XDP program's settings: {}", reason(errno)));
  for (std::uint32_t side = 0; side < LS_SIDES; ++side) {
    if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.egress), &side, &indexes[side], BPF_ANY) != 0)
      return tl::unexpected(fmt::format("the XDP program's ports: {}", reason(errno)));
  }
  return {};
}

tl::expected<Indexes, std::string> indexes_of(const std::array<std::string, LS_SIDES>& interfaces) {
  Indexes indexes{};
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    indexes[side] = ::if_nametoindex(interfaces[side].c_str());
    if (indexes[side] == 0) return tl::unexpected(fmt::format("{}: no such interface", interfaces[side]));
  }
  return indexes;
}

// The object, not loaded yet; its maps will be pinned in `pins`.
tl::expected<Skeleton, std::string> open_object(const AttachWish& wish, const std::string& pins) {
  std::error_code error;
  std::filesystem::create_directories(pins, error);
  if (error) return tl::unexpected(fmt::format("{}: {}", pins, error.message()));
  Skeleton skeleton(lockstep_bpf__open());
  if (!skeleton) return tl::unexpected(with_last_words("the XDP program can't be opened"));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton->obj) {
    static_cast<void>(bpf_map__set_pin_path(map, fmt::format("{}/{}", pins, bpf_map__name(map)).c_str()));
  }
  static_cast<void>(bpf_map__set_max_entries(skeleton->maps.flows, wish.flows));
  return skeleton;
}

tl::expected<void, std::string> pin_program(int descriptor, const std::string& pins) {
  const std::string path = pins + "/program";
  if (bpf_obj_pin(descriptor, path.c_str()) == 0) return {};
  return tl::unexpected(fmt::format("{}: {}", path, reason(errno)));
}

tl::expected<void, std::string> attach_anew(const AttachWish& wish, const Indexes& indexes) {
  const auto skeleton = open_object(wish, wish.pins);
  if (!skeleton) return tl::unexpected(skeleton.error());
  DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .obj = (*skeleton)->obj, .prog_name = "lockstep");
  const XdpProgram program(xdp_program__create(&options));
  if (libxdp_get_error(program.get()) != 0)
    return tl::unexpected(with_last_words("the XDP program can't be made"));
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    if (auto attached = attach_to(program.get(), wish.interfaces[side], indexes[side], wish.native);
        !attached)
      return attached;
    // The first attaching loaded it.
    if (side > 0) continue;
    if (auto pinned = pin_program(xdp_program__fd(program.get()), wish.pins); !pinned) return pinned;
    if (auto named = name_pair(**skeleton, indexes, wish.fail_closed); !named) return named;
  }
  return {};
}

// Where the next build's pins stand while it takes the place of the last one. BPF file systems take no dots.
std::string next_pins(const std::string& pins) {
  return pins + ":next";
}

int put_in_place(unsigned index, int before, int after, bool native) {
  DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = before);
  const std::uint32_t mode = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  return bpf_xdp_attach(static_cast<int>(index), after, mode | XDP_FLAGS_REPLACE, &options);
}

// The pinned program of another build stands alone on both interfaces: ours takes its place there.
tl::expected<void, std::string> replace(const AttachWish& wish, const Indexes& indexes) {
  const std::string next = next_pins(wish.pins);
  const auto skeleton = open_object(wish, next);
  if (!skeleton) return tl::unexpected(skeleton.error());
  last_words().clear();
  if (lockstep_bpf__load(skeleton->get()) != 0)
    return tl::unexpected(with_last_words("the XDP program can't be loaded"));
  const int ours = bpf_program__fd((*skeleton)->progs.lockstep);
  if (auto pinned = pin_program(ours, next); !pinned) return pinned;
  if (auto named = name_pair(**skeleton, indexes, wish.fail_closed); !named) return named;
  const Map before(bpf_obj_get((wish.pins + "/program").c_str()));
  for (std::size_t side = 0; side < LS_SIDES; ++side) {
    if (const int error = put_in_place(indexes[side], before.descriptor(), ours, wish.native); error != 0)
      return tl::unexpected(fmt::format("{}: the XDP program of another version can't be replaced: {}",
                                        wish.interfaces[side], reason(error)));
  }
  std::error_code error;
  std::filesystem::remove_all(wish.pins, error);
  if (!error) std::filesystem::rename(next, wish.pins, error);
  if (error) return tl::unexpected(fmt::format("{}: {}", wish.pins, error.message()));
  return {};
}

tl::expected<void, std::string> detach_pinned(const std::string& pins) {
  const std::uint32_t id = id_of_pinned(pins);
  const auto config = Elements<ls_config>::open(pins, "config", 1);
  if (id != 0 && config) {
    for (const unsigned index : (*config)[0].ifindex) {
      last_words().clear();
      if (const int error = detach_from(index, id, pins); error != 0)
        return tl::unexpected(
            with_last_words(fmt::format("{}: the XDP program can't be detached: {}", pins, reason(error))));
    }
  }
  std::error_code error;
  std::filesystem::remove_all(pins, error);
  if (error) return tl::unexpected(fmt::format("{}: {}", pins, error.message()));
  return {};
}

}  // namespace

std::string pins_below(const std::string& directory, const std::array<std::string, LS_SIDES>& interfaces) {
  std::string pair = fmt::format("{}-{}", interfaces[0], interfaces[1]);
  std::replace(pair.begin(), pair.end(), '.', ':');
  return directory + "/" + pair;
}

tl::expected<Program, std::string> Program::open(const std::string& pins) {
  Program program;
  program.pins_ = pins;
  auto config = Elements<ls_config>::open(pins, "config", 1);
  if (!config) return tl::unexpected(config.error());
  auto workers = Elements<ls_worker>::open(pins, "workers", LS_MAX_WORKERS);
  if (!workers) return tl::unexpected(workers.error());
  auto queues = Elements<ls_queue>::open(pins, "queues", LS_SIDES * LS_MAX_QUEUES);
  if (!queues) return tl::unexpected(queues.error());
  auto sockets = Map::open(pins, "sockets");
  if (!sockets) return tl::unexpected(sockets.error());
  program.config_ = std::move(*config);
  program.workers_ = std::move(*workers);
  program.queues_ = std::move(*queues);
  program.sockets_ = std::move(*sockets);
  return program;
}

tl::expected<Program, std::string> Program::attach(const AttachWish& wish) {
  libbpf_set_print(keep_libbpf);
  libxdp_set_print(keep_libxdp);
  const auto indexes = indexes_of(wish.interfaces);
  if (!indexes) return tl::unexpected(indexes.error());
  if (auto before = open(wish.pins)) {
    const ls_config& config = before->config();
    bool same = config.abi == LS_ABI && config.build == build_of_object();
    const std::uint32_t id = id_of_pinned(wish.pins);
    for (std::size_t side = 0; side < LS_SIDES; ++side)
      same = same && config.ifindex[side] == (*indexes)[side] &&
             is_attached(programs_on((*indexes)[side]), id, before->dispatched_);
    before->taken_over_ = same;
    if (same) return before;
  }
  const std::uint32_t id = id_of_pinned(wish.pins);
  bool replaced = id != 0 && !std::filesystem::exists(next_pins(wish.pins));
  for (const unsigned index : *indexes) replaced = replaced && stands_alone(index, id, wish.native);
  replaced = replaced && replace(wish, *indexes);
  if (!replaced) {
    if (auto gone = detach(wish.pins); !gone) return tl::unexpected(gone.error());
    if (auto attached = attach_anew(wish, *indexes); !attached) {
      static_cast<void>(detach(wish.pins));
      return tl::unexpected(attached.error());
    }
  }
  auto program = open(wish.pins);
  if (!program) return program;
  program->replaced_ = replaced;
  static_cast<void>(is_attached(programs_on((*indexes)[0]), id_of_pinned(wish.pins), program->dispatched_));
  return program;
}

tl::expected<void, std::string> Program::detach(const std::string& pins) {
  libbpf_set_print(keep_libbpf);
  libxdp_set_print(keep_libxdp);
  if (auto gone = detach_pinned(next_pins(pins)); !gone) return gone;
  return detach_pinned(pins);
}

tl::expected<void, std::string> Program::enter_socket(std::uint32_t side, std::uint32_t queue,
                                                      int socket) const {
  const std::uint32_t slot = side * LS_MAX_QUEUES + queue;
  if (bpf_map_update_elem(sockets_.descriptor(), &slot, &socket, BPF_ANY) == 0) return {};
  return tl::unexpected(
      fmt::format("the XDP program does not take the socket of queue {}: {}", queue, reason(errno)));
}

}  // namespace lockstep::xdp
