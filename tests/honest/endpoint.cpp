#include "tests/honest/endpoint.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "tests/oracle/rules.hpp"
#include "tests/oracle/socket_name.hpp"
#include "tests/support/random.hpp"

namespace lockstep::honest {
namespace {

void set(int descriptor, int level, int option, int value) {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

// A prime, so that lengths of buffers and segments do not go into it.
constexpr std::size_t pattern_size = 1'048'573;
const std::string& pattern() {
  static const std::string letters = test::Random(1).letters(pattern_size);
  return letters;
}

}  // namespace

std::string Stream::bytes(std::uint64_t from, std::size_t count) const {
  std::string out;
  out.reserve(count);
  std::size_t at = (seed_ + from) % pattern_size;
  while (out.size() < count) {
    const std::size_t run = std::min(count - out.size(), pattern_size - at);
    out.append(pattern(), at, run);
    at = 0;
  }
  if (!signature_at_) return out;
  const std::string signature = oracle::signature;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    const std::uint64_t place = *signature_at_ + i;
    if (place >= from && place < from + count) out[place - from] = signature[i];
  }
  return out;
}

std::string_view name(Ending ending) {
  constexpr std::array names{"open", "end", "reset", "refused", "timed-out", "other"};
  return names[static_cast<std::size_t>(ending)];
}

Endpoint::Endpoint(const Scenario& scenario, const Application& application, const KernelPair& kernels,
                   End end, std::pair<std::uint16_t, std::uint16_t> ports, Stream out, Stream in)
    : scenario_(&scenario),
      application_(&application),
      kernels_(&kernels),
      end_(end),
      own_port_(ports.first),
      other_port_(ports.second),
      out_(out),
      in_(in) {}

Endpoint::~Endpoint() {
  if (socket_ < 0) return;
  const linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(socket_);
}

void Endpoint::set_options(int descriptor, const Scenario& scenario, const Application& application,
                           End end) {
  set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (application.receive_buffer > 0) set(descriptor, SOL_SOCKET, SO_RCVBUF, application.receive_buffer);
  if (application.segment > 0) set(descriptor, IPPROTO_TCP, TCP_MAXSEG, application.segment);
  if (scenario.fast_open)
    set(descriptor, IPPROTO_TCP, end == End::client ? TCP_FASTOPEN_CONNECT : TCP_FASTOPEN, 16);
  if (!application.keep_alive) return;
  set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 8);
}

void Endpoint::accept(int descriptor) {
  socket_ = descriptor;
  if (application_->keep_alive) set_options(descriptor, *scenario_, *application_, end_);
  outcome_.connected = true;
  next();
}

bool Endpoint::awaits_accept() const {
  return !over() && socket_ < 0 && step().kind == Step::Kind::accept;
}

std::uint32_t Endpoint::ages() {
  if (over() || step().kind != Step::Kind::age) return 0;
  const std::uint32_t hours = step().amount;
  next();
  return hours;
}

void Endpoint::next() {
  ++at_;
  done_ = 0;
  since_.reset();
}

void Endpoint::act(Clock::time_point now) {
  while (!over() && take(now)) {
    if (!over()) next();
  }
}

bool Endpoint::take(Clock::time_point now) {
  switch (step().kind) {
    case Step::Kind::connect:
      return connect();
    case Step::Kind::accept:
    case Step::Kind::meet:
    case Step::Kind::age:
      return false;  // the transfer's to say
    case Step::Kind::write:
      return write();
    case Step::Kind::read:
      return read(false);
    case Step::Kind::read_end:
      return read(true);
    case Step::Kind::half_close:
      ::shutdown(socket_, SHUT_WR);
      return true;
    case Step::Kind::close:
      close();
      return true;
    case Step::Kind::abort: {
      const linger hard{1, 0};
      ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      close();
      return true;
    }
    case Step::Kind::vanish:
      set(socket_, IPPROTO_TCP, TCP_REPAIR, 1);
      close();
      return true;
    case Step::Kind::nudge:
      return nudge(now);
    case Step::Kind::rest:
      if (!since_) since_ = now;
      return now - *since_ >= std::chrono::milliseconds(step().amount);
  }
  return false;
}

bool Endpoint::connect() {
  if (!connecting_) {
    socket_ = kernels_->open_socket(end_, scenario_->ipv6, scenario_->multipath);
    if (socket_ < 0) return failed(errno);
    set_options(socket_, *scenario_, *application_, End::client);
    auto own = oracle::SocketName::of(KernelPair::address(end_, scenario_->ipv6), own_port_);
    if (::bind(socket_, own.raw(), own.length) < 0) return not_yet(errno);
    auto peer = oracle::SocketName::of(KernelPair::address(other(end_), scenario_->ipv6), other_port_);
    if (::connect(socket_, peer.raw(), peer.length) < 0 && errno != EINPROGRESS) return not_yet(errno);
    connecting_ = true;
    // The SYN goes with the first data.
    if (scenario_->fast_open) return outcome_.connected = true;
    return false;
  }
  pollfd asked{socket_, POLLOUT, 0};
  if (::poll(&asked, 1, 0) <= 0) return false;
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return failed(error);
  return outcome_.connected = true;
}

// The host may still hold the last connection of these ports: it is tried again.
bool Endpoint::not_yet(int error) {
  if (error != EADDRNOTAVAIL && error != EADDRINUSE) return failed(error);
  close();
  return false;
}

bool Endpoint::write() {
  constexpr std::size_t chunk = 65536;
  while (done_ < step().amount) {
    const std::string text = out_.bytes(written_, std::min<std::size_t>(chunk, step().amount - done_));
    const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINPROGRESS ? false : failed(errno);
    done_ += static_cast<std::uint64_t>(count);
    written_ += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool Endpoint::read(bool to_the_end) {
  std::array<char, 65536> buffer;
  while (to_the_end || done_ < step().amount) {
    const std::size_t wanted =
        to_the_end ? buffer.size() : std::min<std::size_t>(buffer.size(), step().amount - done_);
    const ssize_t count = ::recv(socket_, buffer.data(), wanted, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == ENOTCONN ? false : failed(errno);
    if (count == 0) {
      outcome_.ending = Ending::end;
      if (to_the_end) return true;
      at_ = application_->steps.size();  // the stream is shorter than the script
      return true;
    }
    take_in(buffer.data(), static_cast<std::size_t>(count));
    done_ += static_cast<std::uint64_t>(count);
  }
  return true;
}

void Endpoint::take_in(const char* bytes, std::size_t count) {
  const std::string_view got(bytes, count);
  outcome_.honest = outcome_.honest && in_.bytes(outcome_.text.size(), count) == got;
  outcome_.text += got;
}

bool Endpoint::nudge(Clock::time_point now) {
  if (outcome_.ending == Ending::open && read(true) && over()) return true;
  if (since_ && now - *since_ < std::chrono::milliseconds(150)) return false;
  since_ = now;
  const std::string byte = out_.bytes(written_, 1);
  const ssize_t count = ::send(socket_, byte.data(), 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) return failed(errno);
  if (count > 0) ++written_;
  return false;
}

bool Endpoint::failed(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
      end(Ending::reset, error);
      break;
    case ECONNREFUSED:
      end(Ending::refused, error);
      break;
    case ETIMEDOUT:
      end(Ending::timed_out, error);
      break;
    default:
      end(Ending::other, error);
      break;
  }
  return true;
}

void Endpoint::end(Ending ending, int error) {
  outcome_.ending = ending;
  outcome_.error = error;
  at_ = application_->steps.size();
}

void Endpoint::close() {
  ::close(std::exchange(socket_, -1));
}

}  // namespace lockstep::honest
