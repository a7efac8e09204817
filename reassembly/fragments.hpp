// Holds IP fragments until their datagram is whole, so that it is judged as the host will read it, and then
// lets the fragments go in their original sizes and with their identification, in order of offset.
//
// Rules (EVASIONS I01 to I05): any overlap discards the whole datagram, but for an exact copy, of which one
// is kept (RFC 5722, Linux since 4.20); a first fragment that does not hold the whole TCP header is never let
// through (RFC 3128, RFC 7112); only the last fragment may have a length that is no multiple of eight;
// nothing may end beyond 65,535 bytes. The key is that of hosts: addresses, identification, for IPv4 the
// protocol; and the VLAN ids and the port, so that pieces from elsewhere don't join.
//
// Bounds: everything is allocated at construction. The bytes of held frames (in blocks of 512), the
// datagrams, the fragments of one datagram, and a source's share of blocks. A source beyond its share, or a
// datagram of too many pieces, is refused; where the table is full the oldest datagram gives way, since an
// honest one is complete within a few round trips at most. Sources are told apart by a keyed hash into
// buckets: two may share a bucket, and the bound holds all the same.
//
// Accounts: every frame given to add() is told to the caller exactly once: by its answer `dropped`, or later
// by the sink, as sent or as dropped. Not thread-safe; one table per worker.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "reassembly/frame.hpp"
#include "reassembly/reason.hpp"
#include "reassembly/wire.hpp"

namespace lockstep::reassembly {

struct FragmentConfig {
  std::size_t bytes = std::size_t{4} << 20;     // of held frames; at least one datagram of 64 KiB
  std::uint32_t datagrams = 1024;               // incomplete at one time
  std::uint32_t pieces = 256;                   // of one datagram
  std::uint32_t source_percent = 25;            // of `bytes` that one source bucket may fill
  Duration timeout = std::chrono::seconds(60);  // of a datagram from its first piece; RFC 8200 §4.5
  std::uint64_t seed = 0;                       // of the hashes; secret inline
};

// A frame that was held, as the accounts and the log want it.
struct HeldFrame {
  std::uint64_t number = 0;
  Timestamp time{};  // of its arrival
  std::uint32_t length = 0;
};

class FragmentSink {
 public:
  virtual ~FragmentSink() = default;
  // The frame goes out with these bytes, which are valid only until this returns.
  virtual void send(std::span<std::uint8_t> bytes, const HeldFrame& held) = 0;
  virtual void drop(const HeldFrame& held, Reason reason) = 0;
};

struct FragmentAnswer {
  enum class Fate : std::uint8_t {
    held,      // copied; its own bytes are no longer needed
    complete,  // held too, and it completes `datagram`: call refragment() or discard() before the next add()
    dropped,   // for `reason`
  };
  Fate fate = Fate::held;
  Reason reason = Reason::none;
};

class FragmentTable {
 public:
  explicit FragmentTable(const FragmentConfig& config);
  ~FragmentTable();
  FragmentTable(const FragmentTable&) = delete;
  FragmentTable& operator=(const FragmentTable&) = delete;

  // `fragment` is what decode() made of `frame`.
  [[nodiscard]] FragmentAnswer add(const Frame& frame, const Fragment& fragment, const WireConfig& config,
                                   FragmentSink& sink);

  // The datagram that the last add() completed: one IP packet in the first fragment's framing, and what it
  // decodes to: a Segment (its ip.reassembled is set), or Passed. Valid, and to be edited in place, until it
  // is let go.
  [[nodiscard]] const Frame& datagram() const;
  [[nodiscard]] const Decoded& decoded() const;

  // Sends the datagram's fragments with the bytes that stand in datagram(). If it was made shorter, so are
  // its last fragments, and those with nothing left are dropped for `shortened`.
  void refragment(FragmentSink& sink, Reason shortened = Reason::none);
  // Drops them all.
  void discard(FragmentSink& sink, Reason reason);

  // Drops what has waited too long. Cheap when nothing has.
  void expire(Timestamp now, FragmentSink& sink);

  // Gauges.
  [[nodiscard]] std::uint32_t datagrams() const;
  [[nodiscard]] std::uint32_t frames() const;
  [[nodiscard]] std::size_t bytes() const;  // whole blocks

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::reassembly
