#include "tests/honest/forger_port.hpp"

#include "reassembly/wire.hpp"

namespace lockstep::honest {
namespace {

using reassembly::TcpFlag;
using test::PacketSpec;

// Farther off than any transfer's stream is long, and within no window.
constexpr std::uint32_t far = 1U << 28U;

void timestamps(PacketSpec& spec, std::uint32_t value, std::uint32_t echo) {
  spec.options = {1, 1, 8, 10};
  for (const std::uint32_t word : {value, echo}) {
    for (const unsigned shift : {24U, 16U, 8U, 0U})
      spec.options.push_back(static_cast<std::uint8_t>(word >> shift));
  }
}

}  // namespace

std::string_view name(Forger forger) {
  switch (forger) {
    case Forger::none:
      return "none";
    case Forger::blind:
      return "blind";
    case Forger::knowing:
      return "knowing";
    case Forger::resets:
      return "resets";
  }
  return "none";
}

tl::expected<std::size_t, std::string> ForgerPort::receive(std::span<Frame> batch) {
  auto count = inner_->receive(batch);
  if (!count) return count;
  for (const Frame& frame : batch.first(*count)) {
    queue_.push({frame.bytes.begin(), frame.bytes.end()}, frame);
    if (forger_ != Forger::none) look(frame);
    if (forger_ != Forger::none && random_.chance(20)) forge(frame);
    inner_->finish(frame, {});
  }
  return queue_.hand_out(batch);
}

void ForgerPort::look(const Frame& frame) {
  const auto decoded = reassembly::decode(frame, {});
  const auto* segment = std::get_if<reassembly::Segment>(&decoded);
  if (segment == nullptr || segment->has(TcpFlag::rst)) return;
  End& end = ends_[frame.port];
  if (segment->has(TcpFlag::syn)) {
    end = {};
    end.ack = segment->ack.value();
    end.address = to_string(segment->source.address);
    end.port = segment->source.port;
    end.start = end.next = segment->seq.value() + 1;
    end.heard = true;
    ends_[frame.port ^ 1U].address = to_string(segment->destination.address);
    ends_[frame.port ^ 1U].port = segment->destination.port;
  } else if (end.heard) {
    end.spoke = true;
    const std::uint32_t next = segment->seq.value() + segment->sequence_length();
    if (static_cast<std::int32_t>(next - end.next) > 0) end.next = next;
  }
  if (segment->has(TcpFlag::ack)) {
    const bool further = static_cast<std::int32_t>(segment->ack.value() - end.ack) > 0;
    if (!end.acks || further) end.ack = segment->ack.value();
    end.acks = true;
  }
  end.window = segment->window;
  end.timed = segment->options.timestamps.has_value();
  if (end.timed) {
    end.timestamp = segment->options.timestamps->value;
    end.echo = segment->options.timestamps->echo;
  }
}

void ForgerPort::forge(const Frame& as) {
  const bool open = ends_[0].spoke && ends_[1].spoke;
  for (unsigned count = random_.between(1U, 3U); count > 0; --count) {
    const std::size_t from = random_.chance(85) ? side_ : side_ ^ 1U;
    PacketSpec spec;
    if (forger_ == Forger::resets) {
      if (!open) return;
      spec = exact_reset(from);
    } else if (forger_ == Forger::knowing && open && random_.chance(30)) {
      spec = taken_packet(from);
    } else {
      spec = open && random_.chance(70) ? refused_packet(from) : random_packet(from);
    }
    Frame frame = as;
    frame.port = static_cast<std::uint16_t>(side_);
    queue_.push(build_packet(spec), frame);
    ++forged_;
  }
}

// What the end itself would send now, without payload.
PacketSpec ForgerPort::honest(std::size_t from) {
  const End& own = ends_[from];
  const End& other = ends_[from ^ 1U];
  PacketSpec spec;
  spec.link = LinkType::raw_ip;
  spec.source = own.address;
  spec.destination = other.address;
  spec.source_port = own.port;
  spec.destination_port = other.port;
  spec.ip_id = static_cast<std::uint16_t>(random_.next());
  spec.seq = own.next;
  spec.ack = own.ack;
  spec.window = own.window;
  spec.flags = TcpFlag::ack;
  if (own.timed) timestamps(spec, own.timestamp, own.echo);
  return spec;
}

// Of somebody who knows addresses and ports alone.
PacketSpec ForgerPort::random_packet(std::size_t from) {
  PacketSpec spec = honest(from);
  spec.seq = static_cast<std::uint32_t>(random_.next());
  spec.ack = static_cast<std::uint32_t>(random_.next());
  spec.options = {};
  spec.window = static_cast<std::uint16_t>(random_.next());
  // A SYN of any number opens what is not open yet: a host takes that.
  const bool open = ends_[0].spoke && ends_[1].spoke;
  const int syn = open ? TcpFlag::syn : TcpFlag::rst;
  spec.flags =
      random_.pick({+TcpFlag::rst, TcpFlag::rst | TcpFlag::ack, syn, TcpFlag::fin | TcpFlag::ack,
                    TcpFlag::psh | TcpFlag::ack, +TcpFlag::ack, TcpFlag::syn | TcpFlag::ack, +TcpFlag::fin});
  if (random_.chance(60)) spec.payload = random_.letters(random_.between(1, 500));
  return spec;
}

// Of somebody who knows more, and fails all the same: every one of these is refused by the host.
PacketSpec ForgerPort::refused_packet(std::size_t from) {
  const End& own = ends_[from];
  const End& other = ends_[from ^ 1U];
  PacketSpec spec = honest(from);
  spec.payload = random_.letters(random_.between(1, 500));
  spec.flags = random_.pick({TcpFlag::psh | TcpFlag::ack, TcpFlag::fin | TcpFlag::ack, +TcpFlag::ack});
  const std::uint32_t taken = other.ack - own.start;  // bytes that the other end acknowledged
  switch (random_.below(own.timed && other.timed ? 9 : 8)) {
    case 0:  // a RST in the window or right of it, at a number that never becomes the next one
      spec.seq = own.start + longest_stream_ + 2 + static_cast<std::uint32_t>(random_.below(20'000));
      spec.flags = random_.pick({+TcpFlag::rst, TcpFlag::rst | TcpFlag::ack});
      break;
    case 1:  // left of it
      spec.seq = other.ack - 2 - static_cast<std::uint32_t>(random_.below(5'000));
      spec.flags = random_.pick({+TcpFlag::rst, TcpFlag::rst | TcpFlag::ack});
      break;
    case 2:  // a SYN or SYN-ACK inside (RFC 5961 §4)
      spec.seq = own.next - 10 + static_cast<std::uint32_t>(random_.below(20));
      spec.flags = random_.pick({+TcpFlag::syn, TcpFlag::syn | TcpFlag::ack});
      break;
    case 3:  // no ACK flag
      spec.flags = random_.pick({0, +TcpFlag::psh, +TcpFlag::fin});
      break;
    case 4:  // acknowledges what was never sent
      spec.ack = other.next + far;
      break;
    case 5:  // or far too little; without FIN the host may take it by header prediction, which does not look
      spec.ack = own.ack - 2 * far;
      spec.flags = TcpFlag::fin | TcpFlag::ack;
      break;
    case 6:  // a checksum that is wrong
      spec.tcp_checksum = static_cast<std::uint16_t>(random_.next());
      spec.seq -= static_cast<std::uint32_t>(random_.below(3));
      spec.flags = *spec.flags | random_.pick({0, +TcpFlag::fin, +TcpFlag::rst});
      break;
    case 7:  // other bytes where the host has read already
      if (taken == 0 || taken > far) return random_packet(from);
      spec.payload.resize(std::min<std::size_t>(spec.payload.size(), taken));
      spec.seq = other.ack - static_cast<std::uint32_t>(spec.payload.size());
      spec.flags = TcpFlag::ack;
      break;
    default:  // older than what was taken
      timestamps(spec, own.timestamp - static_cast<std::uint32_t>(random_.between(10'000, 1'000'000)),
                 own.echo);
      break;
  }
  return spec;
}

PacketSpec ForgerPort::exact_reset(std::size_t from) {
  PacketSpec spec = honest(from);
  spec.seq = random_.pick({ends_[from].next, ends_[from ^ 1U].ack});
  spec.flags = random_.pick({+TcpFlag::rst, TcpFlag::rst | TcpFlag::ack});
  return spec;
}

// What the host takes: it may cost the connection.
PacketSpec ForgerPort::taken_packet(std::size_t from) {
  const End& other = ends_[from ^ 1U];
  PacketSpec spec = honest(from);
  switch (random_.below(8)) {
    case 0:
      return exact_reset(from);
    case 1:  // the end of the stream
      spec.flags = TcpFlag::fin | TcpFlag::ack;
      break;
    case 2:  // data of his own, next
      spec.payload = random_.letters(random_.between(1, 1000));
      break;
    case 3:  // or ahead
      spec.seq += static_cast<std::uint32_t>(random_.between(1, 3000));
      spec.payload = random_.letters(random_.between(1, 1000));
      break;
    case 4:  // or in place of what is under way
      spec.seq = other.ack;
      spec.payload = random_.letters(random_.between(1, 1000));
      break;
    case 5:  // a closed window
      spec.window = 0;
      break;
    case 6:  // an ACK of everything, whether it came or not
      spec.ack = other.next;
      break;
    default:  // urgent data, on bytes that were read already
      spec.seq = other.ack - 1;
      spec.payload = "?";
      spec.flags = TcpFlag::ack | TcpFlag::urg;
      spec.urgent = static_cast<std::uint16_t>(random_.between(1, 2000));
      break;
  }
  return spec;
}

}  // namespace lockstep::honest
