// What an inline engine is compared with: a bare XDP program, or an AF_XDP forwarder over the same rings and
// memory that looks at nothing.
//
//   bare_wire drop INTERFACE        drops all that comes in there
//   bare_wire redirect A B          what comes in by one leaves by the other, in the kernel
//   bare_wire forward A B           the same through AF_XDP sockets and this process
//
// Prints "ready", and works until SIGTERM or SIGINT. Queue 0 alone.
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include "bench/xdp/traffic.hpp"
#include "engine/descriptor.hpp"
#include "engine/ports/afxdp/socket.hpp"

using namespace lockstep;
using namespace lockstep::bench;

namespace {

constexpr std::uint32_t chunk = 2048;
constexpr std::size_t batch = 64;  // as the engine's workers

volatile std::sig_atomic_t stopped = 0;

void stop(int) {
  stopped = 1;
}

std::uint32_t index_of(const std::string& interface) {
  const std::uint32_t index = ::if_nametoindex(interface.c_str());
  must(index != 0, interface.c_str());
  return index;
}

// Ends with the descriptor.
Descriptor attach(int program, std::uint32_t interface) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  Descriptor link(bpf_link_create(program, static_cast<int>(interface), BPF_XDP, &options));
  must(static_cast<bool>(link), "attaching a program");
  return link;
}

void announce() {
  std::puts("ready");
  std::fflush(stdout);
}

void drop(const std::string& interface) {
  const Traffic programs;
  const Descriptor link = attach(programs.drop(), index_of(interface));
  announce();
  while (stopped == 0) ::pause();
}

void redirect(const std::array<std::string, 2>& interfaces) {
  std::array<Traffic, 2> programs;
  std::vector<Descriptor> links;
  for (std::size_t side = 0; side < 2; ++side) {
    programs[side].set_egress(index_of(interfaces[side ^ 1U]));
    links.push_back(attach(programs[side].redirect(), index_of(interfaces[side])));
  }
  announce();
  while (stopped == 0) ::pause();
}

class Forwarder {
 public:
  explicit Forwarder(const std::array<std::string, 2>& interfaces) {
    constexpr std::size_t chunks = 2 * (afxdp::ring_entries + afxdp::transmit_entries);
    auto memory = afxdp::Memory::make(chunks, chunk);
    must(memory.has_value(), "memory");
    for (std::size_t i = 0; i < chunks; ++i) free_.push_back(i * chunk);
    for (std::size_t side = 0; side < 2; ++side) {
      auto socket = afxdp::Socket::open(*memory, interfaces[side], 0, {});
      if (!socket) throw std::runtime_error(socket.error());
      sockets_[side] = std::move(*socket);
      programs_[side].set_socket(sockets_[side]->descriptor());
    }
    reclaim();
    for (std::size_t side = 0; side < 2; ++side)
      links_.push_back(attach(programs_[side].to_socket(), index_of(interfaces[side])));
  }

  void run() {
    while (stopped == 0) {
      const std::size_t moved = move(0) + move(1);
      bool sent = true;
      for (const auto& socket : sockets_) sent = socket->kick() && sent;
      reclaim();
      if (moved == 0) wait(sent ? 100 : 1);
    }
  }

 private:
  std::size_t move(std::size_t side) {
    afxdp::Socket& from = *sockets_[side];
    afxdp::Socket& to = *sockets_[side ^ 1U];
    const std::size_t count = from.waiting(std::min(batch, to.transmit_room()));
    for (std::size_t i = 0; i < count; ++i) to.transmit(from.peek(i));
    if (count > 0) from.take(count);
    return count;
  }

  void reclaim() {
    std::array<afxdp::Address, 256> chunks;
    for (const auto& socket : sockets_)
      while (const std::size_t count = socket->completed(chunks))
        free_.insert(free_.end(), chunks.begin(), chunks.begin() + count);
    for (const auto& socket : sockets_) {
      const std::size_t count = std::min(free_.size() / 2, socket->fill_room());
      if (count < batch && count < socket->fill_room()) continue;
      free_.resize(free_.size() - socket->fill(std::span(free_).last(count)));
    }
  }

  void wait(int milliseconds) {
    std::array<pollfd, 2> ready{pollfd{sockets_[0]->descriptor(), POLLIN, 0},
                                pollfd{sockets_[1]->descriptor(), POLLIN, 0}};
    static_cast<void>(::poll(ready.data(), ready.size(), milliseconds));
  }

  std::array<Traffic, 2> programs_;
  std::array<std::unique_ptr<afxdp::Socket>, 2> sockets_;
  std::vector<afxdp::Address> free_;
  std::vector<Descriptor> links_;
};

int run(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == "drop") {
    drop(words[1]);
  } else if (words.size() == 3 && words[0] == "redirect") {
    redirect({words[1], words[2]});
  } else if (words.size() == 3 && words[0] == "forward") {
    Forwarder forwarder({words[1], words[2]});
    announce();
    forwarder.run();
  } else {
    fmt::print(stderr, "usage: bare_wire drop INTERFACE | redirect A B | forward A B\n");
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  struct sigaction action {};
  action.sa_handler = stop;  // without SA_RESTART: a signal ends pause() and poll()
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    fmt::print(stderr, "bare_wire: {}\n", error.what());
    return 1;
  }
}
