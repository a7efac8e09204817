// The program's life: attached, taken over, followed by another build, removed; and what stands in its way.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/xdp/kernel.hpp"
#include "xdp/samples.hpp"

using namespace lockstep;
using namespace lockstep::test;
using reassembly::TcpFlag;

namespace {

std::uint32_t attached_to(const std::string& interface) {
  std::uint32_t id = 0;
  REQUIRE(bpf_xdp_query_id(static_cast<int>(::if_nametoindex(interface.c_str())), 0, &id) == 0);
  return id;
}

bool shell(const std::string& command) {
  return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

// Somebody else's: it passes everything.
int foreign_program() {
  const bpf_insn pass[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  return bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, std::size(pass), nullptr);
}

class Packets {
 public:
  explicit Packets(const std::string& interface) : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0)) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Packets() { ::close(socket_); }
  Packets(const Packets&) = delete;
  Packets& operator=(const Packets&) = delete;

 protected:
  int socket_;
};

class Tap : Packets {
 public:
  using Packets::Packets;
  [[nodiscard]] int seen() const {
    char bytes[2048];
    int count = 0;
    while (::recv(socket_, bytes, sizeof bytes, 0) > 0) ++count;
    return count;
  }
};

// Sends one frame again and again.
class Flood : Packets {
 public:
  explicit Flood(const std::string& interface)
      : Packets(interface), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  // Until some thousand more have gone.
  void wait() const {
    const std::uint64_t until = sent_ + 3000;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (sent_ < until && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    REQUIRE(sent_ >= until);
  }

 private:
  void run(const std::stop_token& stop) {
    const Bytes frame = build_packet({});
    while (!stop.stop_requested())
      if (::send(socket_, frame.data(), frame.size(), 0) > 0) ++sent_;
  }

  std::atomic<std::uint64_t> sent_ = 0;
  std::jthread thread_;
};

const Bytes nonsense = build_packet({.flags = TcpFlag::syn | TcpFlag::fin});

}  // namespace

TEST_CASE("the program is taken over as it is, and removed whole", "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    const std::uint32_t before = attached_to("outside");
    CHECK(before != 0);
    kernel.config().stale_after = 12'345;
    auto again = xdp::Program::attach(kernel.wish());
    REQUIRE(again);
    CHECK(again->taken_over());
    CHECK(again->config().stale_after == 12'345);
    CHECK(attached_to("outside") == before);
    REQUIRE(xdp::Program::detach(kernel.pins()));
    CHECK_FALSE(std::filesystem::exists(kernel.pins()));
    CHECK(attached_to("outside") == 0);
    CHECK(attached_to("inside") == 0);
    CHECK(xdp::Program::detach(kernel.pins()));  // nothing is left: done
  });
}

TEST_CASE("another build takes the place of the attached one at once, and begins anew", "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    const std::uint32_t before = attached_to("outside");
    kernel.config().build += 1;  // as if another version of the program stood there
    kernel.config().stale_after = 12'345;
    auto anew = xdp::Program::attach(kernel.wish());
    REQUIRE(anew);
    CHECK_FALSE(anew->taken_over());
    CHECK(anew->replaced());
    CHECK(anew->config().stale_after == 0);
    CHECK(attached_to("outside") != before);
    CHECK(attached_to("outside") == attached_to("inside"));
    REQUIRE(xdp::Program::detach(kernel.pins()));
    CHECK(attached_to("outside") == 0);
    CHECK_FALSE(
        std::filesystem::exists(std::filesystem::path(kernel.pins()).parent_path() / "outside-inside:next"));
  });
}

TEST_CASE("while another build takes its place no frame goes by it", "[xdp][attach][threads]") {
  with_kernel([](Kernel& kernel) {
    const Tap strays("outside");  // sees what no program kept from the kernel's stack
    std::optional<xdp::Program> last;
    const Flood flood("peer-outside");
    flood.wait();
    CHECK(strays.seen() == 0);
    for (int i = 0; i < 5; ++i) {
      (last ? last->config() : kernel.config()).build += 1;
      auto anew = xdp::Program::attach(kernel.wish());
      REQUIRE(anew);
      REQUIRE(anew->replaced());
      last.emplace(std::move(*anew));
      flood.wait();
    }
    CHECK(strays.seen() == 0);
    REQUIRE(xdp::Program::detach(kernel.pins()));
    flood.wait();
    CHECK(strays.seen() > 0);
  });
}

TEST_CASE("a program of others is left alone, and named", "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(xdp::Program::detach(kernel.pins()));
    const xdp::Map foreign(foreign_program());
    REQUIRE(foreign.descriptor() >= 0);
    const auto index = static_cast<int>(::if_nametoindex("inside"));
    REQUIRE(bpf_xdp_attach(index, foreign.descriptor(), 0, nullptr) == 0);
    const std::uint32_t id = attached_to("inside");
    const auto refused = xdp::Program::attach(kernel.wish());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == "inside: another XDP program is attached: ip link set inside xdp off");
    CHECK(attached_to("inside") == id);
    CHECK(attached_to("outside") == 0);  // no half of a pair
    CHECK_FALSE(std::filesystem::exists(kernel.pins()));
    REQUIRE(bpf_xdp_detach(index, 0, nullptr) == 0);
    CHECK(xdp::Program::attach(kernel.wish()));
  });
}

TEST_CASE("an interface that went takes nothing with it: the other one is let go, or both are taken anew",
          "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    kernel.close_sockets();
    REQUIRE(shell("ip link del inside"));
    const auto refused = xdp::Program::attach(kernel.wish());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == "inside: no such interface");
    CHECK(attached_to("outside") != 0);  // it goes on as far as it can
    REQUIRE(shell("ip link add inside type veth peer name peer-inside && ip link set inside up"));
    auto anew = xdp::Program::attach(kernel.wish());
    REQUIRE(anew);
    CHECK_FALSE(anew->taken_over());
    CHECK(anew->config().ifindex[1] == ::if_nametoindex("inside"));
    CHECK(attached_to("outside") == attached_to("inside"));
    REQUIRE(shell("ip link del inside"));
    REQUIRE(xdp::Program::detach(kernel.pins()));
    CHECK(attached_to("outside") == 0);
    CHECK_FALSE(std::filesystem::exists(kernel.pins()));
  });
}

TEST_CASE("interfaces with dots in their names are a pair like others", "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(shell("ip link add eth0.100 type veth peer name eth1.100"));
    xdp::AttachWish wish = kernel.wish();
    wish.interfaces = {"eth0.100", "eth1.100"};
    wish.pins = xdp::pins_below(std::filesystem::path(kernel.pins()).parent_path(), wish.interfaces);
    const auto program = xdp::Program::attach(wish);
    INFO((program ? "" : program.error()));
    REQUIRE(program);
    CHECK(attached_to("eth1.100") != 0);
    REQUIRE(xdp::Program::detach(wish.pins));
    CHECK(attached_to("eth1.100") == 0);
  });
}

TEST_CASE("the generic hook takes it too", "[xdp][attach]") {
  with_kernel([](Kernel& kernel) {
    REQUIRE(xdp::Program::detach(kernel.pins()));
    xdp::AttachWish wish = kernel.wish();
    wish.native = false;
    auto program = xdp::Program::attach(wish);
    REQUIRE(program);
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    REQUIRE(bpf_xdp_query(static_cast<int>(::if_nametoindex("outside")), 0, &query) == 0);
    CHECK(query.attach_mode == XDP_ATTACHED_SKB);
    CHECK(query.skb_prog_id != 0);
    REQUIRE(xdp::Program::detach(kernel.pins()));
    CHECK(attached_to("outside") == 0);
  });
}

TEST_CASE("dropped packets are sampled, one of each reason in a round, and all are counted",
          "[xdp][samples]") {
  with_kernel([](Kernel& kernel) {
    auto samples = xdp::Samples::open(kernel.pins());
    REQUIRE(samples);
    CHECK(kernel.run(nonsense).what == LS_DROP_FLAGS);
    CHECK(samples->take().empty());  // none are wanted
    kernel.config().sample_round = 1;
    const Bytes land =
        build_packet({.destination = "10.0.0.1", .source_port = 80, .payload = std::string(300, 'x')});
    for (int i = 0; i < 3; ++i) {
      CHECK(kernel.run(nonsense, 1).what == LS_DROP_FLAGS);
      CHECK(kernel.run(land).what == LS_DROP_LAND);
      CHECK(kernel.run(build_packet({})).what == LS_TO_ENGINE);
    }
    // Each CPU takes its own, and a test run may change it.
    const std::vector<ls_sample> taken = samples->take();
    REQUIRE(taken.size() >= 2);
    CHECK(taken.size() <= 4);
    CHECK(taken[0].what == LS_DROP_FLAGS);
    CHECK(taken[0].side == 1);
    CHECK(taken[0].length == nonsense.size());
    CHECK(taken[0].captured == nonsense.size());
    CHECK(std::equal(nonsense.begin(), nonsense.end(), taken[0].bytes));
    CHECK(taken[0].time > 0);
    CHECK(taken[1].what == LS_DROP_LAND);
    CHECK(taken[1].side == 0);
    CHECK(taken[1].length == land.size());
    CHECK(taken[1].captured == LS_SAMPLE_BYTES);
    CHECK(std::equal(taken[1].bytes, taken[1].bytes + LS_SAMPLE_BYTES, land.begin()));
    CHECK(samples->take().empty());
    kernel.config().sample_round = 2;
    CHECK(kernel.run(nonsense, 1).what == LS_DROP_FLAGS);
    CHECK(samples->take().size() == 1);
  });
}
