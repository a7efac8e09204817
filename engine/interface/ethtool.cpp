#include "engine/interface/ethtool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace lockstep {
namespace {

// A request whose struct ends in an array: the struct, and room behind it, aligned for both.
template <class Head, class Element>
class Request {
 public:
  Request(std::uint32_t command, std::size_t elements)
      : words_((sizeof(Head) + elements * sizeof(Element) + sizeof(std::uint64_t) - 1) /
               sizeof(std::uint64_t)) {
    head().cmd = command;
  }
  [[nodiscard]] Head& head() { return *reinterpret_cast<Head*>(words_.data()); }
  [[nodiscard]] Element* elements() { return reinterpret_cast<Element*>(&head() + 1); }

 private:
  std::vector<std::uint64_t> words_;
};

using FeatureBlock = ethtool_get_features_block;
constexpr std::uint32_t bits_in_block = 32;

std::size_t blocks_for(std::uint32_t features) {
  return (features + bits_in_block - 1) / bits_in_block;
}

bool bit(std::uint32_t word, std::uint32_t index) {
  return ((word >> (index % bits_in_block)) & 1U) != 0;
}

// ethtool_rxfh::input_xfrm, which older headers call reserved: bit 0 is RXH_XFRM_SYM_XOR (Linux 6.9).
constexpr std::uint8_t symmetric_xor = 1;

}  // namespace

bool ReceiveHash::symmetric() const {
  if (symmetric_xor) return true;
  // Toeplitz is linear: with a key of period 16 bits, swapping addresses and ports of equal width changes
  // nothing.
  if (key.size() < 4) return false;
  for (std::size_t i = 2; i < key.size(); ++i)
    if (key[i] != key[i - 2]) return false;
  return true;
}

tl::expected<Ethtool, std::string> Ethtool::open(const std::string& interface) {
  if (interface.empty() || interface.size() >= IFNAMSIZ || if_nametoindex(interface.c_str()) == 0)
    return tl::unexpected(fmt::format("{}: there is no such interface", interface));
  Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return tl::unexpected(fmt::format("{}: socket: {}", interface, std::strerror(errno)));
  return Ethtool(std::move(socket), interface);
}

int Ethtool::ask(void* request) const {
  ifreq call{};
  interface_.copy(call.ifr_name, IFNAMSIZ - 1);
  call.ifr_data = static_cast<char*>(request);
  return ioctl(socket_.get(), SIOCETHTOOL, &call) < 0 ? errno : 0;
}

tl::unexpected<std::string> Ethtool::refusal(std::string_view what, int error) const {
  return tl::unexpected(fmt::format("{}: {}: {}", interface_, what, std::strerror(error)));
}

tl::expected<std::string, std::string> Ethtool::driver() const {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (const int error = ask(&info)) return refusal("driver", error);
  return std::string(info.driver, strnlen(info.driver, sizeof info.driver));
}

tl::expected<std::uint32_t, std::string> Ethtool::feature_count() const {
  Request<ethtool_sset_info, std::uint32_t> sizes(ETHTOOL_GSSET_INFO, 1);
  sizes.head().sset_mask = 1ULL << ETH_SS_FEATURES;
  if (const int error = ask(&sizes.head())) return refusal("features", error);
  return sizes.head().sset_mask == 0 ? 0 : *sizes.elements();
}

tl::expected<std::vector<std::string>, std::string> Ethtool::feature_names() const {
  const auto count = feature_count();
  if (!count) return tl::unexpected(count.error());
  using Name = std::array<char, ETH_GSTRING_LEN>;
  Request<ethtool_gstrings, Name> strings(ETHTOOL_GSTRINGS, *count);
  strings.head().string_set = ETH_SS_FEATURES;
  strings.head().len = *count;
  if (const int error = ask(&strings.head())) return refusal("names of features", error);
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const Name& name = strings.elements()[i];
    names.emplace_back(name.data(), strnlen(name.data(), name.size()));
  }
  return names;
}

tl::expected<std::vector<Feature>, std::string> Ethtool::features() const {
  const auto names = feature_names();
  if (!names) return tl::unexpected(names.error());
  const auto count = static_cast<std::uint32_t>(names->size());
  Request<ethtool_gfeatures, FeatureBlock> request(ETHTOOL_GFEATURES, blocks_for(count));
  request.head().size = static_cast<std::uint32_t>(blocks_for(count));
  if (const int error = ask(&request.head())) return refusal("features", error);
  std::vector<Feature> features;
  for (std::uint32_t i = 0; i < count; ++i) {
    const FeatureBlock& block = request.elements()[i / bits_in_block];
    const bool changeable = bit(block.available, i) && !bit(block.never_changed, i);
    features.push_back({(*names)[i], bit(block.active, i), !changeable});
  }
  return features;
}

tl::expected<void, std::string> Ethtool::set(std::string_view feature, bool on) const {
  const auto features = this->features();
  if (!features) return tl::unexpected(features.error());
  const auto found = std::find_if(features->begin(), features->end(),
                                  [&](const Feature& candidate) { return candidate.name == feature; });
  if (found == features->end())
    return tl::unexpected(fmt::format("{}: this kernel has no feature '{}'", interface_, feature));
  if (found->on == on) return {};
  const auto index = static_cast<std::uint32_t>(found - features->begin());
  const std::size_t blocks = blocks_for(static_cast<std::uint32_t>(features->size()));
  Request<ethtool_sfeatures, ethtool_set_features_block> request(ETHTOOL_SFEATURES, blocks);
  request.head().size = static_cast<std::uint32_t>(blocks);
  ethtool_set_features_block& block = request.elements()[index / bits_in_block];
  block.valid = 1U << (index % bits_in_block);
  block.requested = on ? block.valid : 0;
  if (const int error = ask(&request.head())) return refusal(feature, error);
  // The kernel answers with success even where the driver kept the feature as it was.
  const auto after = this->features();
  if (!after) return tl::unexpected(after.error());
  if ((*after)[index].on != on)
    return tl::unexpected(fmt::format("{}: {} can't be switched {}", interface_, feature, on ? "on" : "off"));
  return {};
}

std::optional<Channels> Ethtool::channels() const {
  ethtool_channels answer{};
  answer.cmd = ETHTOOL_GCHANNELS;
  if (ask(&answer) != 0) return std::nullopt;
  return Channels{answer.rx_count + answer.combined_count, answer.tx_count + answer.combined_count,
                  answer.max_rx + answer.max_combined, answer.max_tx + answer.max_combined};
}

std::optional<ReceiveHash> Ethtool::receive_hash() const {
  ethtool_rxfh sizes{};
  sizes.cmd = ETHTOOL_GRSSH;
  if (ask(&sizes) != 0 || sizes.key_size == 0) return std::nullopt;
  Request<ethtool_rxfh, std::uint32_t> request(
      ETHTOOL_GRSSH, sizes.indir_size + (sizes.key_size + 3) / sizeof(std::uint32_t));
  request.head().indir_size = sizes.indir_size;
  request.head().key_size = sizes.key_size;
  if (ask(&request.head()) != 0) return std::nullopt;
  ReceiveHash hash;
  const auto* key = reinterpret_cast<const std::uint8_t*>(request.elements() + sizes.indir_size);
  hash.key.assign(key, key + sizes.key_size);
  hash.symmetric_xor = (request.head().rsvd8[0] & symmetric_xor) != 0;
  ethtool_rxnfc fields{};
  fields.cmd = ETHTOOL_GRXFH;
  fields.flow_type = TCP_V4_FLOW;
  if (ask(&fields) == 0) hash.takes_ports = (fields.data & (RXH_L4_B_0_1 | RXH_L4_B_2_3)) != 0;
  return hash;
}

std::uint32_t Ethtool::speed() const {
  // The kernel says how many words the bit maps behind the struct have, as a negative number, and wants them
  // offered.
  Request<ethtool_link_settings, std::uint32_t> handshake(ETHTOOL_GLINKSETTINGS, 0);
  if (ask(&handshake.head()) != 0 || handshake.head().link_mode_masks_nwords >= 0) return 0;
  const auto words = static_cast<std::int8_t>(-handshake.head().link_mode_masks_nwords);
  Request<ethtool_link_settings, std::uint32_t> request(ETHTOOL_GLINKSETTINGS,
                                                        static_cast<std::size_t>(words) * 3);
  request.head().link_mode_masks_nwords = words;
  if (ask(&request.head()) != 0) return 0;
  const std::uint32_t speed = request.head().speed;
  return speed == static_cast<std::uint32_t>(SPEED_UNKNOWN) ? 0 : speed;
}

}  // namespace lockstep
