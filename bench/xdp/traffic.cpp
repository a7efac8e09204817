#include "bench/xdp/traffic.hpp"

#include <algorithm>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <traffic.skel.h>

namespace lockstep::bench {
namespace {

constexpr std::uint32_t zero = 0;
constexpr std::uint32_t live_batch = 64;

xdp_md context_of(const test::Bytes& frame, std::uint32_t interface) {
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = interface;
  return context;
}

}  // namespace

Traffic::Traffic() : skeleton_(traffic_bpf__open_and_load()) {
  must(skeleton_ != nullptr, "the traffic program");
}
Traffic::~Traffic() {
  traffic_bpf__destroy(skeleton_);
}

int Traffic::drop() const {
  return bpf_program__fd(skeleton_->progs.drop);
}
int Traffic::redirect() const {
  return bpf_program__fd(skeleton_->progs.redirect);
}
int Traffic::to_socket() const {
  return bpf_program__fd(skeleton_->progs.to_socket);
}
int Traffic::leave() const {
  return bpf_program__fd(skeleton_->progs.leave);
}

void Traffic::set_egress(std::uint32_t interface) const {
  must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.egress), &zero, &interface, BPF_ANY) == 0,
       "an egress");
}

void Traffic::set_socket(int socket) const {
  must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.sockets), &zero, &socket, BPF_ANY) == 0, "a socket");
}

void Traffic::set(const std::vector<Address>& sources, std::uint32_t flows) {
  must(sources.size() <= most_sources, "room for the sources");
  for (std::uint32_t i = 0; i < sources.size(); ++i)
    must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.addresses), &i, sources[i].data(), BPF_ANY) == 0,
         "a source");
  skeleton_->bss->sources = static_cast<std::uint32_t>(sources.size());
  skeleton_->data->flows = flows;
}

void Traffic::go_on_to(int program) const {
  must(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.measured), &zero, &program, BPF_ANY) == 0,
       "a program");
}

double Traffic::cost(int program, const test::Bytes& frame, std::uint32_t interface, std::uint32_t action,
                     int runs) const {
  go_on_to(program);
  xdp_md context = context_of(frame, interface);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = runs);
  must(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.traffic), &options) == 0, "a test run");
  must(options.retval == action, "the program's answer");
  return options.duration;
}

void Traffic::send(const test::Bytes& frame, std::uint32_t interface, std::uint32_t frames) const {
  go_on_to(leave());
  xdp_md context = context_of(frame, interface);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()), .ctx_in = &context,
              .ctx_size_in = sizeof context, .repeat = static_cast<int>(frames),
              .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = live_batch);
  must(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.traffic), &options) == 0, "live frames");
}

test::Bytes small(const test::PacketSpec& spec) {
  test::Bytes frame = build_packet(spec);
  frame.resize(std::max<std::size_t>(frame.size(), 64));
  return frame;
}

}  // namespace lockstep::bench
