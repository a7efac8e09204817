// How Linux (4.9 and later) keeps segments that came ahead of a hole, and what its application therefore
// reads. Facts from net/ipv4/tcp_input.c (tcp_data_queue, tcp_data_queue_ofo, tcp_ofo_queue,
// tcp_try_coalesce) of 6.17, checked against what a 6.18 host's application read:
//  - a segment that reaches the in-order end is delivered whole, whatever the queue holds;
//  - the queue is a red-black tree by start. A newcomer descends from the root. On its way, a segment that
//    covers it makes it vanish; one with the same start and less reach gives it its place; one that ends
//    where it starts swallows it (coalescing) and keeps its own start; before all that the last segment may
//    swallow it;
//  - once it has its own place it removes the followers that it covers. One that was swallowed removes none:
//    the merged segment then overlaps its followers, and later newcomers are judged by whom they meet on
//    their way down, which makes the tree's shape part of the answer. So the tree here balances as the
//    kernel's;
//  - the queue is drained in order of start, each segment giving what is beyond the in-order end.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <boost/intrusive/rbtree_algorithms.hpp>

#include "reassembly/overlap.hpp"

namespace lockstep::reassembly {

// One use: take(0), take(1), ... for all arrivals, then finish().
class LinuxQueue {
 public:
  enum class Coalescing : std::uint8_t { always, with_last, never };

  // Appends to `read`; both must outlive the queue.
  LinuxQueue(std::span<const Arrival> arrivals, Coalescing coalescing, bool delivers,
             std::vector<Piece>& read);
  LinuxQueue(const LinuxQueue&) = delete;
  LinuxQueue& operator=(const LinuxQueue&) = delete;

  void take(std::uint32_t arrival);
  void finish();

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  struct Link {
    Link* parent = nullptr;
    Link* left = nullptr;
    Link* right = nullptr;
    bool black = false;
  };
  // What boost::intrusive's tree algorithms ask of a node.
  struct Traits {
    using node = Link;
    using node_ptr = Link*;
    using const_node_ptr = const Link*;
    using color = bool;
    static node_ptr get_parent(const_node_ptr link) { return link->parent; }
    static void set_parent(node_ptr link, node_ptr parent) { link->parent = parent; }
    static node_ptr get_left(const_node_ptr link) { return link->left; }
    static void set_left(node_ptr link, node_ptr left) { link->left = left; }
    static node_ptr get_right(const_node_ptr link) { return link->right; }
    static void set_right(node_ptr link, node_ptr right) { link->right = right; }
    static color get_color(const_node_ptr link) { return link->black; }
    static void set_color(node_ptr link, color black) { link->black = black; }
    static constexpr color black() { return true; }
    static constexpr color red() { return false; }
  };
  using Tree = boost::intrusive::rbtree_algorithms<Traits>;

  // Arrival i's segment is segments_[i]; its parts are arrivals that follow each other without a gap.
  struct Segment : Link {
    StreamOffset begin = 0;
    StreamOffset end = 0;
    std::uint32_t last_part = none;
  };
  struct Place {
    enum class Kind : std::uint8_t { link, replace, gone } kind = Kind::gone;
    Segment* at = nullptr;
    bool left = false;
  };

  static Segment& segment_of(Link* link) { return static_cast<Segment&>(*link); }
  [[nodiscard]] bool empty() const { return header_.parent == nullptr; }
  void queue(std::uint32_t arrival);
  Place place_for(std::uint32_t arrival);
  bool swallow(Segment& into, std::uint32_t arrival);
  void remove_covered_by(Segment& segment);
  void advance(StreamOffset in_order);
  void drain();
  void deliver(std::uint32_t arrival);

  std::span<const Arrival> arrivals_;
  Coalescing coalescing_;
  bool delivers_;
  std::vector<Piece>* read_;
  std::vector<Segment> segments_;
  std::vector<std::uint32_t> next_part_;
  Link header_;  // parent: the root, right: the last segment
  StreamOffset in_order_ = INT64_MIN;
};

}  // namespace lockstep::reassembly
