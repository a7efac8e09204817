#include "engine/pipeline_config.hpp"

#include "engine/options/value.hpp"

namespace lockstep {
namespace {

MidstreamPolicy midstream_policy(const Settings& settings) {
  if (settings.stream.midstream) return MidstreamPolicy::adopt;
  switch (settings.stream.midstream_policy) {
    case MidstreamChoice::automatic:
    case MidstreamChoice::drop_flow:
      return MidstreamPolicy::drop_flow;
    case MidstreamChoice::ignore:
      return MidstreamPolicy::ignore;
    case MidstreamChoice::pass_flow:
      return MidstreamPolicy::pass_flow;
    case MidstreamChoice::bypass:
      return MidstreamPolicy::bypass;
    case MidstreamChoice::reject:
      return MidstreamPolicy::reject;
  }
  return MidstreamPolicy::adopt;
}

// What is no prefix the option table has refused.
std::shared_ptr<const reassembly::InsidePrefixes> inside_of(const Settings& settings) {
  auto inside = std::make_shared<reassembly::InsidePrefixes>();
  for (const std::string& text : settings.replay.inside) {
    if (const auto prefix = parse_prefix(text)) inside->add(prefix->address, prefix->bits);
  }
  return inside->empty() ? nullptr : inside;
}

}  // namespace

tl::expected<PipelineConfig, std::string> make_pipeline_config(const Settings& settings,
                                                               std::uint32_t history) {
  auto hosts = HostPolicies::make(settings.host_os_policy);
  if (!hosts) return tl::unexpected(hosts.error());
  PipelineConfig config;
  config.hosts = std::move(*hosts);
  config.enforcing = settings.mode == Mode::enforce;
  config.drop_silent = settings.stream.drop_silent;
  config.midstream = midstream_policy(settings);
  config.wire.inside = inside_of(settings);
  config.wire.verify_checksums = settings.stream.checksum_validation == ChecksumValidation::all;
  config.fragments.bytes = settings.defrag.memory;
  config.fragments.datagrams = static_cast<std::uint32_t>(settings.defrag.max_datagrams);
  config.fragments.pieces = static_cast<std::uint32_t>(settings.defrag.max_fragments);
  config.fragments.timeout = settings.defrag.timeout;
  config.session.max_islands = static_cast<std::uint32_t>(settings.stream.max_holes);
  config.session.max_bytes_ahead = static_cast<std::uint32_t>(settings.stream.out_of_order);
  config.session.history = history;
  config.session.async_oneside = settings.stream.async_oneside;
  config.session.probe_resets = settings.stream.rst == ResetHandling::probe;
  config.flows.flows = settings.flow.max_flows;
  config.flows.unestablished = settings.flow.max_unestablished;
  config.source_share = static_cast<std::uint32_t>(settings.stream.source_share);
  config.half_open.connections = settings.flow.max_half_open;
  config.half_open.timeout = std::chrono::duration_cast<std::chrono::seconds>(settings.flow.tcp.fresh);
  config.timeouts = {settings.flow.tcp.fresh, settings.flow.tcp.established, settings.flow.tcp.closed,
                     settings.stream.hole_timeout};
  config.max_readings = settings.stream.max_readings;
  config.blocks = settings.stream.memory / reassembly::Block::size;
  config.islands = config.blocks * 2;
  return config;
}

tl::expected<Inspector, std::string> make_inspector(const Settings& settings,
                                                    std::shared_ptr<const RuleGeneration> rules,
                                                    HostTable& hosts) {
  return Inspector::make(std::move(rules), hosts, {.enforce = settings.mode == Mode::enforce},
                         settings.app_layer.tls);
}

}  // namespace lockstep
