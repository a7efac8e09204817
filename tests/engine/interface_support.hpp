// For tests on real network interfaces: a namespace that lives as long as one call.
#pragma once
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include <sched.h>

namespace lockstep::test {

// Runs `body` on a thread of its own in a new network namespace, which ends with it and takes its devices
// along. False: the privilege is missing, and "SKIPPED:" was printed.
template <class Body>
bool in_new_namespace(Body body) {
  bool entered = false;
  std::thread([&] {
    entered = ::unshare(CLONE_NEWNET) == 0;
    if (entered) body();
  }).join();
  if (!entered) std::cout << "SKIPPED: making a network namespace needs CAP_SYS_ADMIN\n";
  return entered;
}

// Of the thread's namespace.
inline bool shell(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) ==
         0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

}  // namespace lockstep::test
