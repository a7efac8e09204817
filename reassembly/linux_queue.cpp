#include "reassembly/linux_queue.hpp"

#include <algorithm>

namespace lockstep::reassembly {

LinuxQueue::LinuxQueue(std::span<const Arrival> arrivals, Coalescing coalescing, bool delivers,
                       std::vector<Piece>& read)
    : arrivals_(arrivals),
      coalescing_(coalescing),
      delivers_(delivers),
      read_(&read),
      segments_(arrivals.size()),
      next_part_(arrivals.size(), none) {
  Tree::init_header(&header_);
}

void LinuxQueue::take(std::uint32_t arrival) {
  const Arrival& it = arrivals_[arrival];
  if (delivers_) advance(it.in_order);
  if (it.begin >= it.end || it.end <= in_order_) return;
  if (!delivers_ || it.begin > in_order_) {
    queue(arrival);
    return;
  }
  deliver(arrival);
  drain();
}

void LinuxQueue::finish() {
  while (!empty()) {
    in_order_ = std::max(in_order_, segment_of(Tree::begin_node(&header_)).begin);
    drain();
  }
}

void LinuxQueue::queue(std::uint32_t arrival) {
  Segment& fresh = segments_[arrival];
  fresh.begin = arrivals_[arrival].begin;
  fresh.end = arrivals_[arrival].end;
  fresh.last_part = arrival;

  const Place place = place_for(arrival);
  if (place.kind == Place::Kind::gone) return;
  if (place.kind == Place::Kind::replace) {
    Tree::replace_node(place.at, &header_, &fresh);
  } else {
    Tree::insert_commit_data where;
    where.node = place.at != nullptr ? static_cast<Link*>(place.at) : &header_;
    where.link_left = place.left;
    Tree::insert_unique_commit(&header_, &fresh, where);
  }
  remove_covered_by(fresh);
}

LinuxQueue::Place LinuxQueue::place_for(std::uint32_t arrival) {
  const Segment& fresh = segments_[arrival];
  if (empty()) return {Place::Kind::link, nullptr, true};
  Segment& last = segment_of(header_.right);
  if (coalescing_ != Coalescing::never && swallow(last, arrival)) return {};
  if (fresh.begin >= last.end) return {Place::Kind::link, &last, false};

  Place place{Place::Kind::link, nullptr, true};
  for (Link* link = header_.parent; link != nullptr; link = place.left ? link->left : link->right) {
    Segment& met = segment_of(link);
    place.at = &met;
    place.left = fresh.begin < met.begin;
    if (place.left) continue;
    if (fresh.begin < met.end) {
      if (fresh.end <= met.end) return {};
      if (fresh.begin == met.begin) return {Place::Kind::replace, &met, false};
    } else if (coalescing_ == Coalescing::always && swallow(met, arrival)) {
      return {};
    }
  }
  return place;
}

bool LinuxQueue::swallow(Segment& into, std::uint32_t arrival) {
  if (arrivals_[arrival].begin != into.end) return false;
  next_part_[into.last_part] = arrival;
  into.last_part = arrival;
  into.end = arrivals_[arrival].end;
  return true;
}

void LinuxQueue::remove_covered_by(Segment& segment) {
  for (;;) {
    Link* next = Tree::next_node(&segment);
    if (next == &header_ || segment_of(next).begin >= segment.end || segment_of(next).end > segment.end)
      return;
    Tree::erase(&header_, next);
  }
}

void LinuxQueue::advance(StreamOffset in_order) {
  if (in_order <= in_order_) return;
  in_order_ = in_order;
  drain();
}

void LinuxQueue::drain() {
  while (!empty()) {
    Link* first = Tree::begin_node(&header_);
    if (segment_of(first).begin > in_order_) return;
    Tree::erase(&header_, first);
    const auto head = static_cast<std::uint32_t>(&segment_of(first) - segments_.data());
    for (std::uint32_t part = head; part != none; part = next_part_[part]) deliver(part);
  }
}

void LinuxQueue::deliver(std::uint32_t arrival) {
  const Arrival& it = arrivals_[arrival];
  if (it.end <= in_order_) return;
  read_->push_back({std::max(it.begin, in_order_), it.end, arrival});
  in_order_ = it.end;
}

}  // namespace lockstep::reassembly
