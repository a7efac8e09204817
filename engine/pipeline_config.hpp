// What the settings say to a pipeline and its inspector.
#pragma once
#include "engine/inspector.hpp"
#include "engine/pipeline.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// `history`: bytes that the rules look back on (Inspector::window()). The error names a setting. What depends
// on where packets come from stays as it is: captured_hosts, sides, seed.
[[nodiscard]] tl::expected<PipelineConfig, std::string> make_pipeline_config(const Settings& settings,
                                                                             std::uint32_t history);

// The error is text for the user. `hosts` must outlive the inspector.
[[nodiscard]] tl::expected<Inspector, std::string> make_inspector(const Settings& settings,
                                                                  std::shared_ptr<const RuleGeneration> rules,
                                                                  HostTable& hosts);

}  // namespace lockstep
