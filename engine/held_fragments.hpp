// Pipeline: what becomes of IP fragments when their table lets them go.
#pragma once
#include "engine/packet.hpp"
#include "engine/ports/packet_port.hpp"
#include "reassembly/fragments.hpp"

namespace lockstep {

// Fragments that leave their table, each with the verdict of its datagram.
class HeldFragments final : public reassembly::FragmentSink {
 public:
  // Observing, they left when they came: here they are told only, and none as dropped.
  HeldFragments(Observer& observer, PacketPort& port, bool enforcing)
      : observer_(&observer), port_(&port), enforcing_(enforcing) {}

  [[nodiscard]] Verdict refused(reassembly::Reason reason) const {
    return {enforcing_ ? Action::drop : Action::forward, joined(reason)};
  }

  // What those that are sent from now on are told as.
  void follow(const Packet& packet) { packet_ = packet; }

  void send(std::span<std::uint8_t> bytes, const reassembly::HeldFrame& held) override {
    if (enforcing_)
      port_->send({bytes, packet_.frame->link, packet_.frame->time,
                   static_cast<std::uint16_t>(packet_.frame->port ^ 1U), false});
    tell(packet_.verdict, held);
  }
  void drop(const reassembly::HeldFrame& held, reassembly::Reason reason) override {
    // A datagram given up for a reason of the session's own carries the joined one.
    const bool decided = reason == reassembly::Reason::none;
    Verdict verdict = decided ? packet_.verdict : refused(reason);
    // One that was shortened goes on, but nothing of this fragment.
    if (enforcing_ && verdict.passes()) verdict.action = Action::drop;
    tell(verdict, held);
  }

 private:
  void tell(Verdict verdict, const reassembly::HeldFrame& held) {
    reassembly::Frame frame;
    frame.number = held.number;
    frame.time = held.time;
    frame.wire_length = held.length;
    Packet fragment;
    fragment.kind = Packet::Kind::fragment;
    fragment.frame = &frame;
    fragment.bytes = held.length;
    fragment.verdict = verdict;
    observer_->on_packet(fragment);
  }

  Observer* observer_;
  PacketPort* port_;
  bool enforcing_;
  Packet packet_;
};

}  // namespace lockstep
