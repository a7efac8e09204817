// One application: takes the steps of its script one after the other on a real socket, never blocks, and
// remembers what it read and how the connection ended for it. One thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/honest/kernel_pair.hpp"
#include "tests/honest/scenario.hpp"

namespace lockstep::honest {

using Clock = std::chrono::steady_clock;

// Bytes that can be made anew at any place.
class Stream {
 public:
  explicit Stream(std::uint64_t seed, std::optional<std::uint32_t> signature_at = {})
      : seed_(seed), signature_at_(signature_at) {}
  [[nodiscard]] std::string bytes(std::uint64_t from, std::size_t count) const;

 private:
  std::uint64_t seed_;
  std::optional<std::uint32_t> signature_at_;
};

// How a connection ended for an application, by what its calls told it.
enum class Ending : std::uint8_t {
  open,       // it did not, or the application closed first
  end,        // the stream's end was read
  reset,      // ECONNRESET or EPIPE
  refused,    // ECONNREFUSED
  timed_out,  // ETIMEDOUT
  other
};
[[nodiscard]] std::string_view name(Ending ending);

struct EndpointOutcome {
  bool connected = false;
  bool finished = false;  // all steps were taken, or the connection ended before
  std::string text;       // all that was read
  bool honest = true;     // and it is what the other end wrote
  Ending ending = Ending::open;
  int error = 0;
  std::size_t step = 0;  // where it stands
};

class Endpoint {
 public:
  // `ports` are its own and the other one's.
  Endpoint(const Scenario& scenario, const Application& application, const KernelPair& kernels, End end,
           std::pair<std::uint16_t, std::uint16_t> ports, Stream out, Stream in);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  void accept(int descriptor);  // the connection that a script waits for; owned from now on
  [[nodiscard]] bool awaits_accept() const;
  [[nodiscard]] bool meeting() const { return !over() && step().kind == Step::Kind::meet; }
  void met() { next(); }
  void give_up() { end(Ending::other, 0); }
  // Hours that the engine is to age by, once.
  [[nodiscard]] std::uint32_t ages();
  // Goes on as far as it can.
  void act(Clock::time_point now);
  [[nodiscard]] bool over() const { return at_ >= application_->steps.size(); }
  [[nodiscard]] const EndpointOutcome& outcome() const { return outcome_; }
  void conclude() {
    outcome_.finished = over();
    outcome_.step = at_;
  }

  // Options of a socket by its application; before it connects or listens.
  static void set_options(int descriptor, const Scenario& scenario, const Application& application, End end);

 private:
  [[nodiscard]] const Step& step() const { return application_->steps[at_]; }
  void next();
  bool take(Clock::time_point now);  // true: the step is done
  bool connect();
  bool not_yet(int error);
  bool write();
  bool read(bool to_the_end);
  bool nudge(Clock::time_point now);
  void take_in(const char* bytes, std::size_t count);
  void end(Ending ending, int error);
  bool failed(int error);
  void close();

  const Scenario* scenario_;
  const Application* application_;
  const KernelPair* kernels_;
  End end_;
  std::uint16_t own_port_, other_port_;
  Stream out_, in_;
  int socket_ = -1;
  bool connecting_ = false;
  std::size_t at_ = 0;
  std::uint64_t done_ = 0;     // of the step
  std::uint64_t written_ = 0;  // in all
  std::optional<Clock::time_point> since_;
  EndpointOutcome outcome_;
};

}  // namespace lockstep::honest
