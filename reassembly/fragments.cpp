#include "reassembly/fragments.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <vector>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "reassembly/block_pool.hpp"
#include "reassembly/bytes.hpp"
#include "reassembly/checksum.hpp"
#include "reassembly/fault.hpp"
#include "reassembly/rewrite.hpp"

namespace lockstep::reassembly {
namespace {

namespace bi = boost::intrusive;

constexpr std::uint32_t max_datagram = 65535;
// Framing (40 at most), IPv6 header with payload length 65,535, a fragment header.
constexpr std::size_t max_frame = 40 + 40 + max_datagram + 8;
constexpr std::uint32_t source_buckets = 4096;

// Byte by byte, so that it can be hashed and compared as it lies.
using Key = std::array<std::uint8_t, 16 + 16 + 4 + 4 + 6 + 3>;

Key key_of(const Fragment& fragment, std::uint32_t port) {
  Key key{};
  std::memcpy(&key[0], fragment.source.bytes.data(), 16);
  std::memcpy(&key[16], fragment.destination.bytes.data(), 16);
  store32(&key[32], fragment.id);
  store32(&key[36], port);
  for (std::size_t i = 0; i < fragment.vlan.ids.size(); ++i) store16(&key[40 + 2 * i], fragment.vlan.ids[i]);
  key[46] = fragment.vlan.count;
  key[47] = fragment.source.version;
  key[48] = fragment.source.version == 4 ? fragment.protocol : 0;
  return key;
}

// A held frame. Pieces of a datagram are chained in order of offset; a piece has the index of its first
// block.
struct Piece {
  std::uint32_t next = BlockPool::none;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  bool more = false;
  std::uint8_t protocol = 0;
  LinkType link = LinkType::ethernet;
  std::uint32_t ip_header = 0;
  std::uint32_t fragment_header = 0;
  std::uint32_t next_header = 0;
  std::uint32_t payload_start = 0;
  std::uint32_t pppoe = 0;
  HeldFrame frame;

  [[nodiscard]] std::uint32_t end() const { return offset + length; }
};

struct Datagram {
  bi::unordered_set_member_hook<bi::store_hash<true>> by_key;
  bi::list_member_hook<> by_age;
  Key key{};
  Timestamp first_seen{};
  std::uint32_t first = BlockPool::none;  // piece
  std::uint32_t last = BlockPool::none;
  std::uint32_t pieces = 0;
  std::uint32_t covered = 0;  // bytes
  std::uint32_t total = 0;    // 0: the last fragment has not come
  std::uint32_t source = 0;   // bucket
};

struct KeyOf {
  using type = Key;
  const Key& operator()(const Datagram& datagram) const { return datagram.key; }
};

struct KeyHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const Key& key) const { return XXH3_64bits_withSeed(key.data(), key.size(), seed); }
};

using ByKey = bi::unordered_set<
    Datagram,
    bi::member_hook<Datagram, bi::unordered_set_member_hook<bi::store_hash<true>>, &Datagram::by_key>,
    bi::key_of_value<KeyOf>, bi::hash<KeyHash>, bi::power_2_buckets<true>>;
using ByAge = bi::list<Datagram, bi::member_hook<Datagram, bi::list_member_hook<>, &Datagram::by_age>>;

std::size_t buckets_for(std::size_t entries) {
  std::size_t buckets = 16;
  while (buckets < entries) buckets *= 2;
  return buckets;
}

std::uint32_t blocks_of(const FragmentConfig& config) {
  return static_cast<std::uint32_t>(std::max<std::size_t>(config.bytes, 2 * max_frame) /
                                    BlockPool::block_size);
}

// Linux takes off what is beyond the last multiple of eight (IPv4, ip_frag_queue), or refuses this fragment
// alone (IPv6, ip6_frag_queue). False: refused.
bool cut_as_linux(Fragment& fragment) {
  const std::size_t length = fragment.payload.size();
  if (!fragment.more || length % 8 == 0) return true;
  fragment.payload = fragment.payload.first(length / 8 * 8);
  return fragment.source.version == 4;
}

// What one fragment alone shows. Lengths of zero would never end a list; RFC 8200 §4.5 for the multiple of
// eight.
bool place_may_be(const Fragment& fragment) {
  const std::size_t length = fragment.payload.size();
  return length != 0 && (!fragment.more || length % 8 == 0) && fragment.offset + length <= max_datagram;
}

}  // namespace

struct FragmentTable::State {
  explicit State(const FragmentConfig& given)
      : config(given),
        blocks(blocks_of(given)),
        pieces(blocks.capacity()),
        records(std::max(1U, given.datagrams)),
        buckets(buckets_for(records.size())),
        by_key(ByKey::bucket_traits(buckets.data(), buckets.size()), KeyHash{given.seed}),
        source_blocks(source_buckets),
        datagram_bytes(max_frame),
        out_bytes(max_frame) {
    for (Datagram& record : records) spare.push_back(record);
  }
  ~State() {
    by_key.clear();
    ages.clear();
    spare.clear();
  }

  [[nodiscard]] std::uint32_t source_of(const Fragment& fragment) const {
    const auto& bytes = fragment.source.bytes;
    return static_cast<std::uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), ~config.seed) %
                                      source_buckets);
  }

  Datagram& open(const Key& key, Timestamp now, std::uint32_t source);
  void close(Datagram& datagram);
  void drop_pieces(Datagram& datagram, Reason reason, FragmentSink& sink,
                   std::uint32_t untold = BlockPool::none);
  FragmentAnswer drop(Datagram* datagram, Reason reason, FragmentSink& sink);
  void forget_piece(Datagram& datagram, std::uint32_t index);
  [[nodiscard]] bool make_room(const Datagram* keep, std::uint32_t need, FragmentSink& sink);
  [[nodiscard]] std::uint32_t piece_before(const Datagram& datagram, std::uint32_t offset) const;
  [[nodiscard]] bool is_copy(std::uint32_t index, const Fragment& fragment) const;
  [[nodiscard]] bool is_inside(std::uint32_t before, const Fragment& fragment) const;
  [[nodiscard]] Reason conflict(const Datagram& datagram, std::uint32_t before, const Fragment& fragment,
                                bool as_linux) const;
  std::uint32_t insert(Datagram& datagram, std::uint32_t before, const Frame& frame,
                       const Fragment& fragment);
  [[nodiscard]] Reason put_together(const Datagram& datagram, const Frame& latest, const WireConfig& config);
  [[nodiscard]] std::size_t write_piece(const Piece& piece, std::uint32_t index, std::uint32_t content,
                                        std::uint32_t length, bool more);

  FragmentConfig config;
  BlockPool blocks;
  std::vector<Piece> pieces;
  std::vector<Datagram> records;
  std::vector<ByKey::bucket_type> buckets;
  ByKey by_key;
  ByAge ages;   // oldest first
  ByAge spare;  // records not in use
  std::vector<std::uint32_t> source_blocks;
  std::uint32_t frames = 0;

  Datagram* complete = nullptr;
  std::vector<std::uint8_t> datagram_bytes;
  std::vector<std::uint8_t> out_bytes;
  Frame packet;
  Decoded decoded;
};

Datagram& FragmentTable::State::open(const Key& key, Timestamp now, std::uint32_t source) {
  Datagram& record = spare.front();
  spare.pop_front();
  record.key = key;
  record.first_seen = now;
  record.first = record.last = BlockPool::none;
  record.pieces = record.covered = record.total = 0;
  record.source = source;
  by_key.insert(record);
  ages.push_back(record);
  return record;
}

void FragmentTable::State::close(Datagram& datagram) {
  by_key.erase(by_key.iterator_to(datagram));
  ages.erase(ages.iterator_to(datagram));
  spare.push_front(datagram);
}

void FragmentTable::State::forget_piece(Datagram& datagram, std::uint32_t index) {
  source_blocks[datagram.source] -= BlockPool::blocks_for(pieces[index].frame.length);
  blocks.release(index);
  --frames;
}

// All but `untold` are told to the sink.
void FragmentTable::State::drop_pieces(Datagram& datagram, Reason reason, FragmentSink& sink,
                                       std::uint32_t untold) {
  for (std::uint32_t index = datagram.first; index != BlockPool::none;) {
    const std::uint32_t next = pieces[index].next;
    if (index != untold) sink.drop(pieces[index].frame, reason);
    forget_piece(datagram, index);
    index = next;
  }
  close(datagram);
}

FragmentAnswer FragmentTable::State::drop(Datagram* datagram, Reason reason, FragmentSink& sink) {
  if (datagram != nullptr) drop_pieces(*datagram, reason, sink);
  return {FragmentAnswer::Fate::dropped, reason};
}

// Blocks for one frame, and a record unless `keep` has one already.
bool FragmentTable::State::make_room(const Datagram* keep, std::uint32_t need, FragmentSink& sink) {
  for (auto oldest = ages.begin(); blocks.free() < need || (keep == nullptr && spare.empty());) {
    if (oldest != ages.end() && &*oldest == keep) ++oldest;
    if (oldest == ages.end()) return false;
    Datagram& victim = *oldest++;
    drop_pieces(victim, Reason::fragment_limit, sink);
  }
  return true;
}

// The last piece that starts at or left of `offset`; none if all start right of it.
std::uint32_t FragmentTable::State::piece_before(const Datagram& datagram, std::uint32_t offset) const {
  if (datagram.last != BlockPool::none && pieces[datagram.last].offset <= offset) return datagram.last;
  std::uint32_t before = BlockPool::none;
  for (std::uint32_t at = datagram.first; at != BlockPool::none && pieces[at].offset <= offset;
       at = pieces[at].next) {
    before = at;
  }
  return before;
}

bool FragmentTable::State::is_copy(std::uint32_t index, const Fragment& fragment) const {
  const Piece& piece = pieces[index];
  return piece.offset == fragment.offset && piece.length == fragment.payload.size() &&
         piece.more == fragment.more && piece.protocol == fragment.protocol &&
         blocks.equal(index, piece.payload_start, fragment.payload);
}

// Linux takes what lies within pieces that follow one another for a repeat, whatever it holds
// (inet_frag_queue_insert).
bool FragmentTable::State::is_inside(std::uint32_t before, const Fragment& fragment) const {
  const std::uint32_t end = fragment.offset + static_cast<std::uint32_t>(fragment.payload.size());
  std::uint32_t reached = pieces[before].end();
  for (std::uint32_t at = pieces[before].next; at != BlockPool::none && pieces[at].offset == reached;
       at = pieces[at].next) {
    reached = pieces[at].end();
  }
  return fragment.more && end <= reached;
}

// Why `fragment` does not fit among those held, `before` being the last one that starts no further right.
Reason FragmentTable::State::conflict(const Datagram& datagram, std::uint32_t before,
                                      const Fragment& fragment, bool as_linux) const {
  const auto end = fragment.offset + static_cast<std::uint32_t>(fragment.payload.size());
  const Reason overlap =
      faulty(Fault::fragment_overlap_accepted) ? Reason::fragment_duplicate : Reason::fragment_overlap;
  const std::uint32_t after = before == BlockPool::none ? datagram.first : pieces[before].next;
  if (before != BlockPool::none) {
    if (is_copy(before, fragment) || (as_linux && is_inside(before, fragment))) {
      return Reason::fragment_duplicate;
    }
    if (pieces[before].end() > fragment.offset) return overlap;
  }
  if (after != BlockPool::none && (pieces[after].offset < end)) return overlap;
  const bool second_end = !fragment.more && (datagram.total != 0 || after != BlockPool::none);
  if (second_end || (datagram.total != 0 && end > datagram.total)) return Reason::fragment_bad;
  return datagram.pieces < config.pieces ? Reason::none : Reason::fragment_limit;
}

std::uint32_t FragmentTable::State::insert(Datagram& datagram, std::uint32_t before, const Frame& frame,
                                           const Fragment& fragment) {
  const std::uint32_t index = blocks.store(frame.bytes);
  Piece& piece = pieces[index];
  piece.offset = fragment.offset;
  piece.length = static_cast<std::uint32_t>(fragment.payload.size());
  piece.more = fragment.more;
  piece.protocol = fragment.protocol;
  piece.link = frame.link;
  piece.ip_header = fragment.ip_header;
  piece.fragment_header = fragment.fragment_header;
  piece.next_header = fragment.next_header;
  piece.payload_start = fragment.payload_start;
  piece.pppoe = fragment.pppoe;
  piece.frame = {frame.number, frame.time, static_cast<std::uint32_t>(frame.bytes.size())};
  std::uint32_t& link = before == BlockPool::none ? datagram.first : pieces[before].next;
  piece.next = link;
  link = index;
  if (piece.next == BlockPool::none) datagram.last = index;
  ++datagram.pieces;
  datagram.covered += piece.length;
  if (!piece.more) datagram.total = piece.end();
  source_blocks[datagram.source] += BlockPool::blocks_for(frame.bytes.size());
  ++frames;
  return index;
}

// Writes the whole packet to datagram_bytes and decodes it. The first fragment's headers lead, without the
// fragment header (RFC 8200 §4.5), and must cover the TCP header.
Reason FragmentTable::State::put_together(const Datagram& whole, const Frame& latest,
                                          const WireConfig& wire) {
  const Piece& first = pieces[whole.first];
  const bool v4 = whole.key[47] == 4;
  const std::uint32_t content = v4 ? first.payload_start : first.fragment_header;
  const std::uint32_t header = content - first.ip_header - (v4 ? 0 : 40);
  if (header + whole.total > max_datagram) return Reason::fragment_bad;
  const std::span<std::uint8_t> out(datagram_bytes);
  blocks.load(whole.first, 0, out.first(content));
  for (std::uint32_t at = whole.first; at != BlockPool::none; at = pieces[at].next) {
    blocks.load(at, pieces[at].payload_start, out.subspan(content + pieces[at].offset, pieces[at].length));
  }
  std::uint8_t* ip = &out[first.ip_header];
  const std::uint32_t end = content + whole.total;
  if (v4) {
    store16(ip + 2, end - first.ip_header);
    store16(ip + 6, load16(ip + 6) & 0xc000U);
    store16(ip + 10, 0);
    store_checksum(ip + 10, checksum_sum({ip, header}));
  } else {
    out[first.next_header] = first.protocol;
  }
  set_packet_end(out.data(), first.ip_header, first.pppoe, end);

  packet = {out.first(end), end, first.link, latest.time, latest.number, latest.port};
  decoded = decode(packet, wire);
  if (const auto* wrong = std::get_if<Malformed>(&decoded)) return wrong->reason;
  if (std::holds_alternative<Fragment>(decoded)) return Reason::fragment_bad;
  auto* segment = std::get_if<Segment>(&decoded);
  if (segment == nullptr) return Reason::none;
  segment->ip.reassembled = true;
  const bool led = segment->layout.payload <= content + first.length;  // the first one holds the TCP header
  // Linux wants the fixed part there, and of IPv6 only.
  constexpr std::uint32_t tcp_header = 20;
  return led || (wire.as_linux && (v4 || first.length >= tcp_header)) ? Reason::none : Reason::fragment_bad;
}

FragmentTable::FragmentTable(const FragmentConfig& config) : state_(std::make_unique<State>(config)) {}
FragmentTable::~FragmentTable() = default;

FragmentAnswer FragmentTable::add(const Frame& frame, const Fragment& given, const WireConfig& wire,
                                  FragmentSink& sink) {
  State& state = *state_;
  assert(state.complete == nullptr);
  expire(frame.time, sink);
  Fragment fragment = given;
  if (wire.as_linux && !cut_as_linux(fragment)) return state.drop(nullptr, Reason::fragment_bad, sink);
  const Key key = key_of(fragment, frame.port);
  const auto found = state.by_key.find(key);
  Datagram* datagram = found == state.by_key.end() ? nullptr : &*found;
  if (!place_may_be(fragment)) return state.drop(datagram, Reason::fragment_bad, sink);
  std::uint32_t before = BlockPool::none;
  if (datagram != nullptr) {
    before = state.piece_before(*datagram, fragment.offset);
    const Reason reason = state.conflict(*datagram, before, fragment, wire.as_linux);
    if (reason == Reason::fragment_duplicate) return {FragmentAnswer::Fate::dropped, reason};
    if (reason != Reason::none) return state.drop(datagram, reason, sink);
  }
  const std::uint32_t source = state.source_of(fragment);
  const std::uint32_t need = BlockPool::blocks_for(frame.bytes.size());
  const std::uint64_t share = std::uint64_t{state.blocks.capacity()} * state.config.source_percent / 100;
  if (frame.bytes.size() > max_frame || state.source_blocks[source] + need > share ||
      !state.make_room(datagram, need, sink)) {
    return state.drop(nullptr, Reason::fragment_limit, sink);
  }
  if (datagram == nullptr) datagram = &state.open(key, frame.time, source);
  const std::uint32_t index = state.insert(*datagram, before, frame, fragment);
  if (datagram->total == 0 || datagram->covered != datagram->total) return {};
  const Reason reason = state.put_together(*datagram, frame, wire);
  if (reason != Reason::none) {
    state.drop_pieces(*datagram, reason, sink, index);
    return {FragmentAnswer::Fate::dropped, reason};
  }
  state.complete = datagram;
  return {FragmentAnswer::Fate::complete, Reason::none};
}

const Frame& FragmentTable::datagram() const {
  return state_->packet;
}
const Decoded& FragmentTable::decoded() const {
  return state_->decoded;
}

// Headers from the held copy, payload from the datagram; what became shorter gets its lengths corrected.
std::size_t FragmentTable::State::write_piece(const Piece& piece, std::uint32_t index, std::uint32_t content,
                                              std::uint32_t length, bool more) {
  const std::span<std::uint8_t> out(out_bytes);
  blocks.load(index, 0, out.first(piece.frame.length));
  std::memcpy(&out[piece.payload_start], &datagram_bytes[content + piece.offset], length);
  if (length == piece.length && more == piece.more) return piece.frame.length;
  std::uint8_t* ip = &out[piece.ip_header];
  if (piece.fragment_header == 0) {
    const std::uint16_t place = load16(ip + 6);
    const auto changed = static_cast<std::uint16_t>((place & ~0x2000U) | (more ? 0x2000U : 0U));
    update_checksum(ip + 10, place, changed);
    store16(ip + 6, changed);
  } else {
    std::uint8_t* flags = &out[piece.fragment_header + 3];
    *flags = static_cast<std::uint8_t>((*flags & ~1U) | (more ? 1U : 0U));
  }
  const std::uint32_t end = piece.payload_start + length;
  set_packet_end(out.data(), piece.ip_header, piece.pppoe, end);
  return pad_frame(out, piece.link, end, piece.frame.length);
}

void FragmentTable::refragment(FragmentSink& sink, Reason shortened) {
  State& state = *state_;
  assert(state.complete != nullptr);
  Datagram& whole = *state.complete;
  const Piece& first = state.pieces[whole.first];
  const bool v4 = first.fragment_header == 0;
  const std::uint32_t content = v4 ? first.payload_start : first.fragment_header;
  const std::uint8_t* ip = &state.datagram_bytes[first.ip_header];
  const std::uint32_t end = first.ip_header + (v4 ? load16(ip + 2) : load16(ip + 4) + 40U);
  const std::uint32_t total = end - content;
  assert(total <= whole.total);
  for (std::uint32_t index = whole.first; index != BlockPool::none;) {
    const Piece piece = state.pieces[index];
    if (piece.offset < total) {
      const std::uint32_t length = std::min(piece.length, total - piece.offset);
      const std::size_t bytes =
          state.write_piece(piece, index, content, length, piece.offset + length < total);
      sink.send(std::span(state.out_bytes).first(bytes), piece.frame);
    } else {
      sink.drop(piece.frame, shortened);
    }
    state.forget_piece(whole, index);
    index = piece.next;
  }
  state.close(whole);
  state.complete = nullptr;
}

void FragmentTable::discard(FragmentSink& sink, Reason reason) {
  assert(state_->complete != nullptr);
  state_->drop_pieces(*state_->complete, reason, sink);
  state_->complete = nullptr;
}

void FragmentTable::expire(Timestamp now, FragmentSink& sink) {
  State& state = *state_;
  assert(state.complete == nullptr);
  while (!state.ages.empty() && now - state.ages.front().first_seen >= state.config.timeout) {
    state.drop_pieces(state.ages.front(), Reason::fragment_timeout, sink);
  }
}

std::uint32_t FragmentTable::datagrams() const {
  return static_cast<std::uint32_t>(state_->ages.size());
}
std::uint32_t FragmentTable::frames() const {
  return state_->frames;
}
std::size_t FragmentTable::bytes() const {
  return std::size_t{state_->blocks.capacity() - state_->blocks.free()} * BlockPool::block_size;
}

}  // namespace lockstep::reassembly
