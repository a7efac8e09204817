// Frames that came in by the queue of one worker and belong to a connection of another one: handed over by
// reference, in order, through a bounded ring for each ordered pair of workers. Chunks come back to their
// owner the same way. One producer and one consumer a ring.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/lockfree/spsc_queue.hpp>
#include <linux/if_xdp.h>

#include "engine/flow_key.hpp"
#include "engine/ports/afxdp/socket.hpp"

namespace lockstep::afxdp {

struct Handed {
  xdp_desc descriptor{};
  std::uint8_t side = 0;    // by which it came in
  std::uint8_t pieces = 1;  // of its frame, from this one on
};

// From one worker to one other.
struct Lane {
  static constexpr std::size_t frames_entries = 4096;
  explicit Lane(std::size_t chunks) : frames(frames_entries), chunks_back(chunks) {}

  boost::lockfree::spsc_queue<Handed> frames;
  boost::lockfree::spsc_queue<Address> chunks_back;  // holds all that there are: never full
  std::atomic<std::uint64_t> pushed{0};              // descriptors, by the giver
  std::atomic<std::uint64_t> finished{0};            // the taker holds none of so many first ones any more
};

class Exchange {
 public:
  Exchange(std::size_t workers, std::size_t chunks_a_worker, HashSeed seed);

  [[nodiscard]] std::size_t workers() const { return workers_; }
  [[nodiscard]] Lane& lane(std::size_t from, std::size_t to) { return *lanes_[from * workers_ + to]; }
  // The worker to whom this frame's connection belongs, in both directions, whatever queue it came in by. By
  // the addresses alone, so that fragments, which tell no ports, meet their connection.
  [[nodiscard]] std::size_t owner(std::span<std::uint8_t> frame) const;
  // Positions are asked for until then (steady clock, ns); see Watermark.
  std::atomic<std::int64_t> watched_until{0};

 private:
  std::size_t workers_;
  HashSeed seed_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace lockstep::afxdp
