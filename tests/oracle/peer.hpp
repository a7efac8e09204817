// The host's peer: builds packets from steps, and learns numbers from the host's answers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "reassembly/segment.hpp"
#include "tests/oracle/scenario.hpp"

namespace lockstep::oracle {

struct Endpoints {
  std::string peer;
  std::string host;
  std::uint16_t peer_port = 0;
  std::uint16_t host_port = 0;
};

class Peer {
 public:
  Peer(const Scenario& scenario, Endpoints ends);

  // The frames of the step: one, or its fragments. `ticks` is the peer's clock in milliseconds.
  [[nodiscard]] std::vector<Bytes> build(const Step& step, std::uint32_t ticks);
  // A segment of the host arrived.
  void learn(const reassembly::Segment& segment);
  // Another connection of the same endpoints.
  void reopen(std::uint32_t isn);
  void set_host_port(std::uint16_t port) { ends_.host_port = port; }

  [[nodiscard]] const Endpoints& ends() const { return ends_; }
  [[nodiscard]] std::uint32_t isn() const { return isn_; }
  // Stream offset that the host acknowledged; -1 before the handshake.
  [[nodiscard]] std::int64_t acked() const { return acked_; }
  [[nodiscard]] std::int64_t edge() const { return edge_; }
  [[nodiscard]] bool handshaken() const { return host_known_; }
  [[nodiscard]] bool was_reset() const { return reset_; }
  // What the host sent, in order.
  [[nodiscard]] const std::string& received() const { return received_; }

 private:
  [[nodiscard]] std::uint32_t number(From from) const;
  [[nodiscard]] Bytes options_of(const Step& step, std::uint32_t ticks) const;
  [[nodiscard]] std::int64_t offset(std::uint32_t seq) const {
    return static_cast<std::int32_t>(seq - (isn_ + 1));
  }

  const Scenario* scenario_;
  Endpoints ends_;
  std::uint32_t isn_;
  std::uint32_t host_isn_ = 0;
  std::uint32_t host_next_ = 0;
  std::uint32_t host_tsval_ = 0;
  std::int64_t acked_ = -1;
  std::int64_t edge_ = 0;
  std::int64_t sack_ = 0;
  std::uint8_t host_shift_ = 0;
  bool host_known_ = false;
  bool reset_ = false;
  bool ended_ = false;  // the host's FIN came in order
  std::string received_;
  std::uint16_t next_id_ = 1;
};

}  // namespace lockstep::oracle
