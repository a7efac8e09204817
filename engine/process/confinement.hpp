// What a run gives up once it is set up: capabilities, paths and ports (Landlock), system calls (seccomp),
// each unless its switch (security.*) says otherwise. The main thread's.
//
//   auto confinement = Confinement::enter(settings, config_file, scope);  // before other threads are started
//   ... what is left to be opened ...
//   confinement->filter_system_calls();  // all threads, when nothing is left
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "engine/descriptor.hpp"
#include "engine/process/reach.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class Confinement {
 public:
  // Gives up capabilities and paths: this thread, and those that it starts from here on. `config_file`: which
  // a reload reads; empty: none. `kernel_programs`: the end of the run loads programs into the kernel, as
  // libxdp does to take one of several away. The error is for the user.
  [[nodiscard]] static tl::expected<Confinement, std::string> enter(const Settings& settings,
                                                                    const std::string& config_file,
                                                                    bool kernel_programs);
  // System calls, of all threads.
  [[nodiscard]] tl::expected<void, std::string> filter_system_calls() const;

  // Lines for the user about files that these settings name and that can no longer be read; none: all can.
  [[nodiscard]] std::vector<std::string> out_of_reach(const Settings& settings) const;

 private:
  Confinement() = default;
  [[nodiscard]] std::vector<PathGrant> grants(const Settings& settings, const std::string& config_file);

  SecuritySettings security_;
  bool kernel_programs_ = false;
  bool paths_restricted_ = false;
  std::vector<std::string> readable_;  // directories and files
  std::vector<Descriptor> granted_;    // see restrict_to()
};

}  // namespace lockstep
