// How a segment is made such that the host refuses it, or takes it though it looks odd.
#include <array>

#include "tests/oracle/generator.hpp"

namespace lockstep::oracle {
namespace {

Bytes unasked_md5(Draft& draft) {
  Bytes option{19, 18};
  for (int i = 0; i < 16; ++i) option.push_back(static_cast<std::uint8_t>(draft.random.next()));
  return option;
}

using SegmentTrick = void (*)(Draft&, Step&);

// Each is refused by every host, whoever sends it and whatever it carries.
constexpr std::array silent{
    +[](Draft& draft, Step& step) {
      draft.name("bad-checksum");  // D08, R05
      step.bad_checksum = true;
    },
    +[](Draft& draft, Step& step) {
      draft.name("no-ack");  // D01, C01
      step.flags = draft.random.pick({0, 8, 32, 1, 9});
    },
    +[](Draft& draft, Step& step) {
      draft.name("ack-of-unsent");  // D02
      step.ack = draft.random.pick<std::int64_t>({1, 100, 10'000, 1'000'000});
      // The host may have written what an honest peer never got.
      if (draft.scenario.honest) step.ack += 20'000;
    },
    +[](Draft& draft, Step& step) {
      draft.name("ack-too-old");  // D03
      step.ack = draft.random.pick<std::int64_t>({-200'000, -0x7fff'0000LL, -70'000});
    },
    +[](Draft& draft, Step& step) {
      draft.name("paws");  // D04
      step.value_delta = draft.random.pick({-100'000, -1'000'000'000, -20'000});
      if (!draft.scenario.timestamps) step.bad_checksum = true;
    },
    +[](Draft& draft, Step& step) {
      draft.name("md5");  // D09, R07
      step.options = unasked_md5(draft);
    },
    +[](Draft& draft, Step& step) {
      draft.name("data-offset");  // D11
      step.data_offset = -15;
    },
    +[](Draft& draft, Step& step) {
      draft.name("malformed-options");  // D12
      step.options = draft.random.chance(50) ? Bytes{0x55, 0, 1, 1} : Bytes{0x55, 0xff, 1, 1};
      step.options.resize(28, 1);
      step.timestamps = false;
    },
    +[](Draft& draft, Step& step) {
      draft.name("ip-header");  // D23-D25
      const bool cut = draft.random.chance(50) || draft.scenario.ipv6;
      if (cut && !step.payload.empty()) {
        step.ip_length = -1;
      } else {
        step.bad_ip_checksum = !draft.scenario.ipv6;
        step.bad_checksum = draft.scenario.ipv6;
      }
    },
    +[](Draft& draft, Step& step) {
      draft.name("beyond-window");  // D18
      step.from = From::edge;
      // Close by only where a stale edge does no harm: the host's last word may have been lost.
      step.seq =
          draft.scenario.honest ? 100'000'000 : draft.random.pick<std::int64_t>({1, 1000, 100'000'000});
    },
    +[](Draft& draft, Step& step) {
      draft.name("left-of-window");  // D15, D17
      step.from = From::acked;
      step.seq =
          -static_cast<std::int64_t>(step.payload.size()) - draft.random.between<std::int64_t>(0, 2000);
    },
};

// Refused as well, but a forger who knows the numbers may cost the connection by them.
constexpr std::array hostile{
    +[](Draft& draft, Step& step) {
      draft.name("syn-flag");  // D14
      step.flags |= 2;
    },
    +[](Draft& draft, Step& step) {
      draft.name("rst-with-data");  // R02, R18
      step.flags = draft.random.pick({4, 20});
      step.from = From::acked;
      step.seq = draft.random.pick<std::int64_t>({-1, 1, 50, 30'000});
    },
    +[](Draft& draft, Step& step) {
      draft.name("lost");  // D22
      step.lost = true;
    },
    +[](Draft& draft, Step& step) {
      draft.name("overlapping-fragments");  // I01
      step.fragments = {40, 16, 1024};
      step.pieces = Step::Pieces::overlapping;
      if (step.payload.size() < 40) step.bad_checksum = true;  // too short for three pieces
    },
    +[](Draft& draft, Step& step) {
      draft.name("source-route");  // D24
      if (draft.scenario.ipv6) {
        step.bad_checksum = true;
      } else {
        step.ip_options = {0x83, 7, 4, 10, 9, 9, 9, 0};
      }
    },
};

// Taken by Linux, or not, as the case may be.
constexpr std::array odd{
    +[](Draft& draft, Step& step) {
      draft.name("no-timestamps");  // D05
      step.timestamps = false;
    },
    +[](Draft& draft, Step& step) {
      draft.name("timestamp-edge");  // D04, D06, D07
      step.value_delta = draft.random.pick({-1, -2, -10, 0x4000'0000, 1000});
      if (draft.random.chance(30)) step.echo_delta = draft.random.pick({1, 100'000, -100'000});
    },
    +[](Draft& draft, Step& step) {
      draft.name("unknown-option");  // D12
      step.options = draft.random.chance(50) ? Bytes{0x55, 4, 1, 2} : Bytes{28, 4, 0, 1};
    },
    +[](Draft& draft, Step& step) {
      draft.name("malformed-short");  // D12
      step.options = draft.random.chance(50) ? Bytes{0x55, 0, 1, 1} : Bytes{0x55, 0x20, 1, 1};
      step.timestamps = draft.random.chance(50);
    },
    +[](Draft& draft, Step& step) {
      draft.name("ao");  // D10, R09
      step.options = {29, 4, 1, 1};
    },
    +[](Draft& draft, Step& step) {
      draft.name("reserved");  // D13
      step.reserved = 0xe;
      if (draft.random.chance(50)) step.flags |= 0xc0;
    },
    +[](Draft& draft, Step& step) {
      draft.name("urgent");  // U01-U08
      if (draft.random.chance(85)) step.flags |= 32;
      step.urgent = static_cast<std::uint16_t>(draft.random.below(step.payload.size() + 3));
    },
    +[](Draft& draft, Step& step) {
      draft.name("data-offset-more");  // D11
      step.data_offset = static_cast<std::int8_t>(draft.random.chance(20) ? 15 : draft.random.between(1, 4));
    },
    +[](Draft& draft, Step& step) {
      draft.name("old-ack");  // D03, C08
      step.ack = draft.random.pick<std::int64_t>({-1, -2, -50});
    },
    +[](Draft& draft, Step& step) {
      draft.name("window-zero");  // D21
      step.window = static_cast<std::uint16_t>(draft.random.pick({0, 1, 98}));
    },
    +[](Draft& draft, Step& step) {
      draft.name("trailer");  // D23
      step.ip_length = draft.random.pick<std::int16_t>({-4, -1, 5});
    },
    +[](Draft& draft, Step& step) {
      draft.name("ip-nop");  // D24
      if (!draft.scenario.ipv6) step.ip_options = {1, 1, 1, 0};
    },
    +[](Draft& draft, Step& step) {
      draft.name("fragments");  // I01-I05
      step.fragments = {draft.random.pick<std::size_t>({8, 16, 24, 32, 64}),
                        draft.random.pick<std::size_t>({8, 16, 1024})};
      step.pieces =
          draft.random.pick({Step::Pieces::in_order, Step::Pieces::reversed, Step::Pieces::twice,
                             Step::Pieces::overlapping, Step::Pieces::first_missing, Step::Pieces::two_ends});
    },
};

}  // namespace

void refuse_silently(Draft& draft, Step& step) {
  draft.random.pick(silent)(draft, step);
}

void refuse(Draft& draft, Step& step) {
  const SegmentTrick trick = draft.random.chance(65) ? draft.random.pick(silent) : draft.random.pick(hostile);
  trick(draft, step);
}

void twist(Draft& draft, Step& step) {
  draft.random.pick(odd)(draft, step);
}

}  // namespace lockstep::oracle
