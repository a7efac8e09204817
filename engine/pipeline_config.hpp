// What the settings say to a pipeline.
#pragma once
#include "engine/pipeline.hpp"
#include "engine/settings.hpp"

namespace lockstep {

// `history`: bytes that the rules look back on (Inspector::window()). The error names a setting. What depends
// on where packets come from stays as it is: captured_hosts, sides, seed.
[[nodiscard]] tl::expected<PipelineConfig, std::string> make_pipeline_config(const Settings& settings,
                                                                             std::uint32_t history);

}  // namespace lockstep
