// One run of the engine between interfaces, from the interfaces as they were to the interfaces as they were:
// the pairs, the ports of each, a worker for each port, and what all workers share (rules, hosts, logs).
// Workers are numbered over all pairs.
//
//   auto run = InlineRun::take(settings);            // interfaces made ready
//   run->open_ports();                               // the last that needs privileges
//   run->start(rules, [] { ... a worker ended by itself ... });
//   run->board().publish(other_rules);
//   run->stop();                                     // interfaces put back
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/host_table.hpp"
#include "engine/output/log_writer.hpp"
#include "engine/prefix_files.hpp"
#include "engine/reload/rule_board.hpp"
#include "engine/settings.hpp"
#include "engine/wire.hpp"
#include "engine/worker.hpp"

namespace lockstep {

// A pair with those that move its packets.
struct MannedWire {
  std::unique_ptr<Wire> wire;
  std::vector<std::unique_ptr<Worker>> workers;

  [[nodiscard]] const WirePair& pair() const { return wire->pair(); }
  // What was for its workers by each interface, as they last told it.
  [[nodiscard]] std::array<Arrivals, 2> arrivals() const;
};

class InlineRun {
 public:
  // Makes the interfaces of all pairs ready, or leaves all as they were. The errors are what stands in the
  // way. `settings` must outlive the run.
  [[nodiscard]] static tl::expected<std::unique_ptr<InlineRun>, std::vector<std::string>> take(
      const Settings& settings);
  ~InlineRun();
  InlineRun(const InlineRun&) = delete;
  InlineRun& operator=(const InlineRun&) = delete;

  // Opens the ports of all pairs; no thread is started. Once. After an error stop() is all that may follow.
  [[nodiscard]] tl::expected<void, std::string> open_ports();
  // Opens logs, and lets the workers move packets under `rules`. `failed` is called from a worker's
  // thread that ends by itself. Once. After an error stop() is all that may follow.
  [[nodiscard]] tl::expected<void, std::string> start(std::shared_ptr<const RuleGeneration> rules,
                                                      const std::function<void()>& failed);
  // Under `rules` from now on: the kernel learns which connections are for the engine, and wire.fail counts.
  [[nodiscard]] tl::expected<void, std::string> begin(const RuleGeneration& rules);
  // What a reload takes along beside the rules; for Reloader::Hooks::prepare.
  [[nodiscard]] tl::expected<std::function<void()>, std::string> prepare(const WireSettings& anew);
  // What an operator lists, in place of what he did before, is in force in the kernel where there is a part
  // of the wire: blocked prefixes, and those allowed within them; what else is allowed the engine must get.
  // Any thread. The error: it has no room.
  [[nodiscard]] tl::expected<void, std::string> list(const std::vector<std::pair<Prefix, ListWord>>& entries);
  // Ends the workers; puts the interfaces back, as wire.exit says. What went wrong, lines for the user.
  [[nodiscard]] std::vector<std::string> stop();

  [[nodiscard]] const std::vector<MannedWire>& wires() const { return wires_; }
  // From start() on.
  [[nodiscard]] RuleBoard& board() { return *board_; }
  [[nodiscard]] LogWriter& logs() { return *logs_; }
  [[nodiscard]] const std::vector<Worker*>& workers() const { return workers_; }
  // The end of the run loads programs into the kernel: it takes its own away from beside others.
  [[nodiscard]] bool ends_by_dispatcher() const;
  // A worker's part of what the settings bound for all.
  [[nodiscard]] const Settings& share() const { return share_; }
  // Of all workers, as they were at most a second ago; after stop() as they ended.
  [[nodiscard]] Counters counters() const;
  // After stop(). False: an event was lost.
  [[nodiscard]] bool finish_logs();

 private:
  explicit InlineRun(const Settings& settings);
  [[nodiscard]] tl::expected<void, std::string> make_workers();
  [[nodiscard]] tl::expected<void, std::string> set_prefixes(KernelPrefixes prefixes);
  void mistrust(const std::shared_ptr<const AddressLists>& lists);

  const Settings& settings_;
  HashSeed seed_;
  HostTable hosts_;
  Settings share_;
  std::optional<RuleBoard> board_;
  std::unique_ptr<LogWriter> logs_;
  std::vector<MannedWire> wires_;
  std::vector<std::vector<WireSeat>> seats_;  // by wire, until the workers have them
  std::vector<Worker*> workers_;              // of all wires
  std::mutex mutex_;                          // of the next one
  KernelPrefixes prefixes_;
};

}  // namespace lockstep
