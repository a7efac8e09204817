// Random hostile scenarios: everything that the catalogue of evasions names, mixed. Each family of tricks is
// a function that puts steps into a draft; a further rule of acceptance gets its trick in the file of its
// family.
//
// What the catalogue is about, and who makes it:
//   handshake tricks           before_syn, odd_syn, before_ack, before_syn_ack, connecting_noise
//   RST, FIN, SYN inside       tricks and ending of tricks_control.cpp, fin_noise, covered_fin
//   data acceptance            silent, hostile and odd of tricks_segment.cpp, noise, ahead_noise
//   overlaps in all relations  near, conflict, straddle
//   order, tiny segments       reorder, cut (down to a byte)
//   urgent data                "urgent", urgent_repeat, "urgent-in-line"
//   windows                    choose_connection, oversized, "window-zero", edge_noise; honest: far, full
//   wrap of the numbers        choose_connection, reopen
//   fragments                  "fragments", "overlapping-fragments", Step::Pieces
//   options                    odd_syn, silent, odd
//   port reuse                 ending, reopen
//   lost behind the engine     lost (some by their TTL), Step::lost of most tricks
//   lost ACKs                  Step::answers_lost (on the way to us), answers_lost_late (behind us)
//   repeats with other cuts    lost, conflict, Step::Kind::catch_up
#pragma once
#include <string>
#include <vector>

#include "tests/oracle/random.hpp"
#include "tests/oracle/scenario.hpp"

namespace lockstep::oracle {

// A connection that carries the signature, as its peer tries to hide it.
[[nodiscard]] Scenario hostile_scenario(std::uint64_t seed);
// An honest connection without the signature, beside a forger whose packets the host refuses.
[[nodiscard]] Scenario honest_scenario(std::uint64_t seed);

// A scenario in the making.
struct Draft {
  explicit Draft(std::uint64_t seed) : random(seed) { scenario.seed = seed; }

  Random random;
  Scenario scenario;

  Step& add(Step step) { return scenario.steps.emplace_back(std::move(step)); }
  Step& add(Step::Kind kind, std::uint32_t size = 0) {
    Step step;
    step.kind = kind;
    step.size = size;
    return add(step);
  }
  // At a random place between `from` and the end.
  void add_somewhere(std::size_t from, Step step);
  void name(const std::string& trick) { scenario.family += (scenario.family.empty() ? "" : "+") + trick; }
  [[nodiscard]] std::string fill(std::size_t length) { return random.letters(length); }
  // Bytes of the stream, as far as it goes.
  [[nodiscard]] std::string good(std::size_t from, std::size_t length) const {
    return from < scenario.stream.size() ? scenario.stream.substr(from, length) : std::string();
  }
};

// tricks_handshake.cpp: from nothing to an established connection, with decoys.
void handshake(Draft& draft);
void plain_handshake(Draft& draft);
void reopen(Draft& draft);

// tricks_segment.cpp: how one segment is made such that the host refuses it, or takes it in an odd way.
void refuse(Draft& draft, Step& step);
void refuse_silently(Draft& draft, Step& step);  // … and a forger who knows the numbers does no harm by it
void twist(Draft& draft, Step& step);

// tricks_data.cpp: the stream in segments, with overlaps, holes, repeats, decoys.
void data_phase(Draft& draft);

// tricks_control.cpp: RST, FIN and SYN inside a connection, and what the application does.
void control_tricks(Draft& draft, std::size_t from);
void ending(Draft& draft);
void noise(Draft& draft, std::size_t from);

}  // namespace lockstep::oracle
