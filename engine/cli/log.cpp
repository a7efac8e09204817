#include "engine/cli/log.hpp"

#include <cstdio>
#include <memory>

#include <spdlog/async.h>
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

AsyncLog::AsyncLog() : before_(spdlog::default_logger()) {
  constexpr std::size_t lines = 8192;
  spdlog::init_thread_pool(lines, 1);
  auto log = std::make_shared<spdlog::async_logger>("lockstep", before_->sinks().begin(),
                                                    before_->sinks().end(), spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  log->set_level(before_->level());
  spdlog::set_default_logger(std::move(log));
}

AsyncLog::~AsyncLog() {
  before_->set_level(spdlog::get_level());
  spdlog::set_default_logger(before_);
  spdlog::details::registry::instance().set_tp(nullptr);  // writes what waits
}

}  // namespace lockstep
