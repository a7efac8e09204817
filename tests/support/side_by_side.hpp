// A run split over processes, because a process is in one network namespace.
#pragma once
#include <cstddef>
#include <iostream>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random.hpp"

namespace lockstep::test {

// `settings.jobs` processes run `alone` (an exit code from settings), each on its share of `settings.count`
// and with a seed of its own. 0 if all of them returned 0, else 1.
template <class Settings, class Alone>
int run_side_by_side(const Settings& settings, Alone alone) {
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < settings.jobs; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      Settings share = settings;
      share.count = settings.count / settings.jobs + (i < settings.count % settings.jobs ? 1 : 0);
      share.seed = mixed(settings.seed, i);
      const int status = alone(share);
      std::cout << std::flush;
      ::_exit(status);
    }
    if (child > 0) children.push_back(child);
  }
  bool good = children.size() == settings.jobs;
  for (const pid_t child : children) {
    int status = 0;
    good = ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 && good;
  }
  return good ? 0 : 1;
}

}  // namespace lockstep::test
