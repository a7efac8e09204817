// with_kernel() of kernel.hpp.
#pragma once
#include <exception>
#include <iostream>
#include <thread>

#include <sched.h>

#include "tests/xdp/kernel.hpp"

namespace lockstep::test {

template <class Body>
void with_kernel(Body body) {
  std::exception_ptr thrown;
  bool entered = false;
  std::thread([&] {
    entered = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0;
    if (!entered) return;
    try {
      Kernel kernel;
      body(kernel);
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (!entered) std::cout << "SKIPPED: a network namespace and BPF need CAP_SYS_ADMIN\n";
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace lockstep::test
