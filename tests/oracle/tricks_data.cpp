// The stream in segments: cut, out of order, overlapping, repeated with other bytes and other cuts, lost.
#include <algorithm>

#include "tests/oracle/generator.hpp"

namespace lockstep::oracle {
namespace {

struct Piece {
  std::size_t begin;
  std::size_t end;
};

std::vector<Piece> cut(Draft& draft) {
  Random& random = draft.random;
  const std::size_t whole = draft.scenario.stream.size();
  const std::size_t most = random.pick<std::size_t>({1, 4, 9, 30, 200, 1400, 4000});
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < whole;) {
    // Not too many packets: long stretches before the signature go in larger ones.
    const std::size_t length = whole - at > 120 ? 700 : random.between<std::size_t>(1, most);
    pieces.push_back({at, std::min(at + length, whole)});
    at = pieces.back().end;
  }
  return pieces;
}

void reorder(Draft& draft, std::vector<Piece>& pieces) {
  Random& random = draft.random;
  switch (random.below(8)) {
    case 0:
      draft.name("reversed");  // O10
      return std::reverse(pieces.begin(), pieces.end());
    case 1:
      draft.name("shuffled");
      for (std::size_t i = pieces.size(); i > 1; --i) std::swap(pieces[i - 1], pieces[random.below(i)]);
      return;
    case 2:
      draft.name("hole-last");  // O11
      return static_cast<void>(std::rotate(pieces.begin(), pieces.begin() + 1, pieces.end()));
    case 3:
      draft.name("evens-first");  // O12
      std::stable_partition(pieces.begin(), pieces.end(),
                            [n = 0](const Piece&) mutable { return n++ % 2 == 0; });
      return;
    default:
      return;
  }
}

Step segment(Draft& draft, Piece piece, bool true_bytes) {
  Step step;
  step.seq = static_cast<std::int64_t>(piece.begin);
  step.payload =
      true_bytes ? draft.good(piece.begin, piece.end - piece.begin) : draft.fill(piece.end - piece.begin);
  step.flags = 24;
  return step;
}

// Somewhere around the piece: in any of the thirteen relations to it, cut off at the stream's ends or not.
Piece near(Draft& draft, Piece piece) {
  Random& random = draft.random;
  const std::size_t reach = random.pick<std::size_t>({1, 3, 8, 20});
  const auto around = [&](std::size_t at) {
    const std::size_t low = at > reach ? at - reach : 0;
    return random.chance(40) ? at : random.between(low, at + reach);
  };
  const std::size_t begin = around(random.chance(70) ? piece.begin : piece.end);
  const std::size_t end = around(piece.end);
  return end > begin ? Piece{begin, end} : Piece{begin, begin + random.between<std::size_t>(1, reach)};
}

void decoy(Draft& draft, Piece piece) {
  Random& random = draft.random;
  Step step = segment(draft, random.chance(70) ? piece : near(draft, piece), false);
  refuse(draft, step);
  draft.add(step);
}

void conflict(Draft& draft, Piece piece) {
  draft.name("overlap");  // O01-O08
  draft.add(segment(draft, near(draft, piece), draft.random.chance(30)));
}

// Left edge below what was acknowledged, or even below the stream: D16.
void straddle(Draft& draft, Piece piece) {
  draft.name("straddle");
  Step step = segment(draft, piece, true);
  const auto extra = draft.random.between<std::size_t>(1, 9);
  step.seq -= static_cast<std::int64_t>(extra);
  step.payload = draft.fill(extra) + step.payload;
  draft.add(step);
}

// Beyond the right edge, D19: a segment as long as the window and more.
void oversized(Draft& draft, Piece piece) {
  draft.name("oversized");
  Step step = segment(draft, piece, true);
  step.payload += draft.good(piece.end, 5000);
  step.payload += draft.fill(draft.random.between<std::size_t>(1, 9000));
  draft.add(step);
}

// Sent and lost on one side of the engine; the repeat has other cuts, and sometimes other bytes.
void lost(Draft& draft, Piece piece) {
  Random& random = draft.random;
  draft.name("lost-and-repeated");
  Step first = segment(draft, piece, random.chance(50));
  (random.chance(80) ? first.lost : first.lost_before) = true;
  if (first.lost && random.chance(30)) first.ttl = 1;  // D22: it runs out behind the engine
  draft.add(first);
  if (random.chance(25)) {
    draft.name("ack-in-the-host's-name");  // frees what was stored, if sides do not count
    Step spoofed;
    spoofed.as_host = true;
    spoofed.seq = static_cast<std::int64_t>(piece.end);
    draft.add(spoofed);
  }
  if (random.chance(40)) draft.add(segment(draft, {piece.begin, piece.begin + 1}, random.chance(50)));
}

// The host throws the bytes away, and remembers where the urgent one is: U02.
void urgent_repeat(Draft& draft, Piece piece) {
  draft.name("urgent-repeat");
  Step step = segment(draft, piece, true);
  if (draft.random.chance(85)) step.flags |= 32;
  step.urgent = static_cast<std::uint16_t>(draft.random.below(step.payload.size() + 20));
  draft.add(step);
}

void one_piece(Draft& draft, Piece piece, unsigned oddity) {
  Random& random = draft.random;
  if (random.chance(oddity)) decoy(draft, piece);
  if (random.chance(oddity / 2)) conflict(draft, piece);
  if (random.chance(oddity / 3)) lost(draft, piece);
  if (random.chance(oddity / 6)) return straddle(draft, piece);
  if (random.chance(oddity / 8)) return oversized(draft, piece);
  if (random.chance(oddity / 10)) return;  // never sent, or with the last repeats
  Step step = segment(draft, piece, true);
  if (random.chance(oddity / 3)) twist(draft, step);
  step.answers_lost = random.chance(oddity / 5);
  step.answers_lost_late = random.chance(oddity / 5);
  draft.add(step);
  if (random.chance(oddity / 5)) decoy(draft, piece);
  if (random.chance(oddity / 5)) draft.add(segment(draft, piece, random.chance(40)));  // a repeat, O07, O17
  if (random.chance(oddity / 8)) urgent_repeat(draft, piece);
  if (random.chance(oddity / 4)) draft.add(Step::Kind::reads);
}

}  // namespace

void data_phase(Draft& draft) {
  std::vector<Piece> pieces = cut(draft);
  if (pieces.size() > 1) reorder(draft, pieces);
  // About two odd things, however many pieces there are.
  const auto oddity = static_cast<unsigned>(std::clamp<std::size_t>(160 / (pieces.size() + 1), 4, 60));
  for (const Piece piece : pieces) one_piece(draft, piece, oddity);
  if (!draft.random.chance(10)) return;
  // The signature where the host refuses it: nothing to tell.
  draft.name("signature-refused");
  Step step;
  step.from = From::acked;
  step.payload = draft.fill(30) + signature;
  step.flags = 24;
  if (draft.random.chance(30)) {
    step.fragments = {40, 16, 1024};  // I01
    step.pieces = Step::Pieces::overlapping;
  } else {
    refuse(draft, step);
  }
  draft.add(step);
}

}  // namespace lockstep::oracle
