#include "tests/xdp/kernel.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/mount.h>

namespace lockstep::test {
namespace {

void must(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

template <class T>
T must(tl::expected<T, std::string> value) {
  if (!value) throw std::runtime_error(value.error());
  return std::move(*value);
}

void shell(const std::string& command) {
  must(std::system((command + " >/dev/null 2>&1").c_str()) == 0,
       command);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

}  // namespace

xdp::AttachWish Kernel::wish() const {
  return {.interfaces = {"outside", "inside"}, .pins = pins_};
}

Kernel::Kernel() {
  must(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
       "a mount namespace of the test's own");
  std::string name = std::filesystem::temp_directory_path() / "lockstep-bpf-XXXXXX";
  must(::mkdtemp(name.data()) != nullptr, "a directory");
  folder_ = name;
  must(::mount("bpf", folder_.c_str(), "bpf", 0, nullptr) == 0, "a BPF file system");
  pins_ = folder_ + "/lockstep/outside-inside";
  shell("sysctl -w net.ipv6.conf.default.disable_ipv6=1");  // or the other ends speak by themselves
  for (const std::string port : {"outside", "inside"}) {
    shell("ip link add " + port + " type veth peer name peer-" + port);
    shell("ip link set peer-" + port + " up");
    shell("ip link set " + port + " up");
  }
  program_.emplace(must(xdp::Program::attach(wish())));
  flows_.emplace(must(xdp::FlowVerdicts::open(pins_)));
  counts_.emplace(must(xdp::CountReader::open(pins_)));
  run_ = must(xdp::Map::open(pins_, "program"));
  const auto memory = must(afxdp::Memory::make(64, 2048));
  for (std::uint32_t side = 0; side < LS_SIDES; ++side) {
    const std::string port = side == 0 ? "outside" : "inside";
    indexes_[side] = ::if_nametoindex(port.c_str());
    sockets_[side] = must(afxdp::Socket::open(memory, port, 0, {}));
    must(program_->enter_socket(side, 0, sockets_[side]->descriptor()).has_value(), "a socket in the map");
  }
  config().stale_after = far;
  config().workers = 1;
  config().ready = config().epoch;
}

Kernel::~Kernel() {
  close_sockets();
  static_cast<void>(xdp::Program::detach(pins_));
  ::umount2(folder_.c_str(), MNT_DETACH);
  std::error_code error;
  std::filesystem::remove(folder_, error);
}

void Kernel::close_sockets() {
  for (auto& socket : sockets_) socket.reset();
}

void Kernel::age_rates(std::int64_t ns) const {
  const xdp::Map rates = must(xdp::Map::open(pins_, "rates"));
  struct {
    std::uint64_t since = 0, tokens = 0;
  } rate;
  std::array<std::uint64_t, 2> key{};
  for (const void* before = nullptr; bpf_map_get_next_key(rates.descriptor(), before, key.data()) == 0;
       before = key.data()) {
    must(bpf_map_lookup_elem(rates.descriptor(), key.data(), &rate) == 0, "a rate");
    rate.since -= static_cast<std::uint64_t>(ns);
    must(bpf_map_update_elem(rates.descriptor(), key.data(), &rate, BPF_EXIST) == 0, "a rate in the map");
  }
}

Answer Kernel::run(const Bytes& frame, std::uint32_t side) const {
  const xdp::Counts before = counts_->read();
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = indexes_[side];
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = 1);
  must(bpf_prog_test_run_opts(run_.descriptor(), &options) == 0, "a test run");
  const xdp::Counts after = counts_->read();
  Answer answer{.action = options.retval, .what = std::nullopt};
  std::uint64_t counted = 0;
  for (std::uint32_t s = 0; s < LS_SIDES; ++s) {
    for (std::uint32_t what = 0; what < LS_COUNTED; ++what) {
      const std::uint64_t packets = after[s][what].packets - before[s][what].packets;
      counted += packets;
      const bool right = s == side && after[s][what].bytes - before[s][what].bytes == frame.size();
      if (packets == 1 && right) answer.what = what;
    }
  }
  if (counted != 1) answer.what.reset();
  return answer;
}

double Kernel::cost(const Bytes& frame, std::uint32_t repeat, std::uint32_t side) const {
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = indexes_[side];
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = static_cast<int>(repeat));
  must(bpf_prog_test_run_opts(run_.descriptor(), &options) == 0, "a test run");
  return options.duration;
}

}  // namespace lockstep::test
