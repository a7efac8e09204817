// What Prometheus gets: read by its own tools where they are installed.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/metrics/exposer.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using namespace lockstep::test;

namespace {

EngineMetrics some() {
  Histogram latency;
  for (const std::uint64_t ns : {100ULL, 128ULL, 129ULL, 5'000ULL}) latency.record(ns);
  EngineMetrics metrics;
  for (int n = 0; n < 2; ++n) {
    WorkerMetrics& worker = metrics.workers.emplace_back();
    worker.counters.arrived(100);
    worker.counters.decided(
        {.kind = PacketKind::tcp, .verdict = {Action::drop, Reason::flow_dropped}, .bytes = 100});
    worker.histograms.emplace_back("packet_seconds", "Time of a packet in the engine.", 1e-9, latency);
    worker.pools.push_back({"stream", 10, 1000});
  }
  metrics.generation = 3;
  metrics.log.refused[4] = 7;
  return metrics;
}

std::string get(int port, const std::string& request) {
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::send(file, request.data(), request.size(), MSG_NOSIGNAL) > 0);
  std::string text;
  char bytes[65'536];
  for (ssize_t count = 0; (count = ::recv(file, bytes, sizeof bytes, 0)) > 0;)
    text.append(bytes, static_cast<std::size_t>(count));
  ::close(file);
  return text;
}

std::string scrape(int port) {
  const std::string answer = get(port, "GET /metrics HTTP/1.0\r\n\r\n");
  const auto body = answer.find("\r\n\r\n");
  REQUIRE(body != std::string::npos);
  return answer.substr(body + 4);
}

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a histogram counts by powers of two", "[engine][metrics]") {
  Histogram histogram;
  for (const std::uint64_t value : {0ULL, 1ULL, 2ULL, 3ULL, 4ULL, 5ULL, 1ULL << 60U}) histogram.record(value);
  CHECK(histogram.count(0) == 2);
  CHECK(histogram.count(1) == 1);
  CHECK(histogram.count(2) == 2);
  CHECK(histogram.count(3) == 1);
  CHECK(histogram.count(Histogram::buckets - 1) == 1);
  CHECK(histogram.sum() == (1ULL << 60U) + 15);
}

TEST_CASE("metrics: every counter with its reason, per worker", "[engine][metrics][threads]") {
  auto exposer = MetricsExposer::open("127.0.0.1:0", some).value();
  const std::string text = scrape(exposer->port());
  CHECK(has(text, "lockstep_packets_total{worker=\"0\",fate=\"received\"} 1"));
  CHECK(has(text, "lockstep_reason_packets_total{worker=\"1\",reason=\"flow_dropped\"} 1"));
  for (std::size_t i = 1; i < reason_count; ++i)
    CHECK(text.find("reason=\"" + std::string(name(static_cast<Reason>(i))) + "\"") != std::string::npos);
  CHECK(has(text, "lockstep_log_refused_total{type=\"stats\"} 7"));
  CHECK(has(text, "lockstep_generation 3"));
  CHECK(has(text, "lockstep_packet_seconds_count{worker=\"0\"} 4"));
  CHECK(has(text, "lockstep_packet_seconds_bucket{worker=\"0\",le=\"1.28e-07\"} 2"));
  CHECK(has(text, "lockstep_packet_seconds_bucket{worker=\"0\",le=\"+Inf\"} 4"));
  CHECK(has(text, "lockstep_pool_bytes{worker=\"0\",pool=\"stream\",what=\"used\"} 10"));
  // A client that sends nonsense, and one that sends nothing, hold nobody up.
  CHECK(get(exposer->port(), "\x01\x02nonsense\r\n\r\n").find("200 OK") == std::string::npos);
  CHECK(has(scrape(exposer->port()), "lockstep_generation 3"));
  CHECK_FALSE(MetricsExposer::open("127.0.0.1:" + std::to_string(exposer->port()), some));
}

TEST_CASE("metrics: promtool finds nothing wrong with them", "[engine][metrics][threads]") {
  if (!std::filesystem::exists("/usr/bin/promtool")) {
    std::cout << "SKIPPED: no promtool on this machine\n";
    return;
  }
  auto exposer = MetricsExposer::open("127.0.0.1:0", some).value();
  const Directory dir;
  const std::string command = "/usr/bin/promtool check metrics < " +
                              dir.write("metrics", scrape(exposer->port())) + " > " + dir.path("out") +
                              " 2>&1";
  const int status = std::system(command.c_str());
  INFO(dir.read("out"));
  CHECK(status == 0);
}

TEST_CASE("metrics: a Prometheus scrapes them", "[engine][metrics][threads]") {
  if (!std::filesystem::exists("/usr/bin/prometheus")) {
    std::cout << "SKIPPED: no prometheus on this machine\n";
    return;
  }
  auto exposer = MetricsExposer::open("127.0.0.1:0", some).value();
  const Directory dir;
  const std::string config = dir.write(
      "prometheus.yml",
      "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: lockstep\n  static_configs:\n  - targets: "
      "['127.0.0.1:" +
          std::to_string(exposer->port()) + "']\n");
  const int port = 20'000 + static_cast<int>(getpid() % 20'000);
  std::vector<std::string> words{
      "/usr/bin/prometheus", "--config.file=" + config, "--storage.tsdb.path=" + dir.path("data"),
      "--web.listen-address=127.0.0.1:" + std::to_string(port), "--log.level=error"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
  struct End {
    pid_t child;
    ~End() {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
  } end{child};
  const std::string query = "/usr/bin/promtool query instant http://127.0.0.1:" + std::to_string(port) +
                            " 'sum(lockstep_reason_packets_total{reason=\"flow_dropped\"})' > " +
                            dir.path("out") + " 2>&1";
  bool found = false;
  for (int i = 0; i < 60 && !found; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    found = std::system(query.c_str()) == 0 && dir.read("out").find("=> 2 @") != std::string::npos;
  }
  INFO(dir.read("out"));
  CHECK(found);
}
