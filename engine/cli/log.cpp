#include "engine/cli/log.hpp"

#include <cstdio>
#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "engine/cli/terminal.hpp"

namespace lockstep {

void start_log(std::uint64_t verbosity) {
  const auto colours = use_colours(stderr) ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto log = std::make_shared<spdlog::logger>("lockstep",
                                              std::make_shared<spdlog::sinks::stderr_color_sink_mt>(colours));
  log->set_pattern("%^lockstep: %l:%$ %v");
  log->set_level(verbosity == 0   ? spdlog::level::warn
                 : verbosity == 1 ? spdlog::level::info
                 : verbosity == 2 ? spdlog::level::debug
                                  : spdlog::level::trace);
  spdlog::set_default_logger(std::move(log));
}

}  // namespace lockstep
