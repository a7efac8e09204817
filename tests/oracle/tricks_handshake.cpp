// From nothing to an established connection.
#include <array>

#include "tests/oracle/generator.hpp"

namespace lockstep::oracle {
namespace {

Step syn(std::int64_t away = 0) {
  Step step;
  step.from = From::isn;
  step.seq = away;
  step.flags = 2;
  return step;
}

Step syn_ack(std::int64_t away = 0) {
  Step step = syn(away);
  step.flags = 18;
  return step;
}

// The last ACK, or the first segment with data.
Step ack(std::string payload = {}) {
  Step step;
  step.payload = std::move(payload);
  return step;
}

std::string start_of_decoy(Draft& draft) {
  return draft.fill(draft.random.between<std::size_t>(1, 30));
}

using HandshakeTrick = void (*)(Draft&);

// Before the peer's SYN, which the caller sends.
constexpr std::array before_syn{
    +[](Draft& draft) {
      draft.name("syn-decoy");  // H08
      Step step = syn(draft.random.pick<std::int64_t>({1, 5, 1000, -1000, 1'000'000'000}));
      step.lost = draft.random.chance(60);
      draft.add(step);
      if (draft.random.chance(30)) draft.add(step).seq += 77;
    },
    +[](Draft& draft) {
      draft.name("synack-first");  // H07
      Step step = syn_ack(draft.random.pick<std::int64_t>({0, 100}));
      step.ack = 12345;
      step.lost = draft.random.chance(50);
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-with-fin-or-rst");  // H04, H05
      Step step = syn();
      step.flags |= draft.random.pick({1, 4, 5});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("data-first");  // H20, H32
      Step step = ack(start_of_decoy(draft));
      step.flags = draft.random.pick({24, 8, 0});
      step.ack = 777;
      step.lost = draft.random.chance(50);
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("rst-first");
      Step step = ack();
      step.flags = draft.random.pick({4, 20});
      draft.add(step);
    },
};

// Beside the connection: a subflow of another one, H35.
void join(Draft& draft) {
  draft.name("mp-join");
  Step step = syn(draft.random.pick<std::int64_t>({0, 4000}));
  step.options = {30, 12, 0x10, 0, 1, 2, 3, 4, 5, 6, 7, 8};
  step.timestamps = false;
  draft.add(step);
}

// The SYN itself.
constexpr std::array odd_syn{
    +[](Draft& draft) {
      draft.name("syn-with-payload");  // H01-H03
      Step step = syn();
      step.payload = draft.random.chance(50) ? start_of_decoy(draft) : draft.good(0, 40);
      if (draft.random.chance(50)) step.options = {34, 2, 1, 1};
      if (draft.random.chance(25)) step.options = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
      if (draft.random.chance(30)) draft.add(step).payload = start_of_decoy(draft);
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-junk-ack");  // H09
      Step step = syn();
      step.ack = 0x3ead'beef;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-flags");  // H06, H28
      Step step = syn();
      step.flags |= draft.random.pick({32, 8, 40, 0xc0});
      step.urgent = 3;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-unknown-option");  // D12
      Step step = syn();
      step.options = {0x55, 4, 1, 2};
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-mp-capable");  // H35, RFC 8684 §3.1
      Step step = syn();
      step.options = {30, 4, 0x01, 0x81};
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("syn-twice");
      Step step = syn();
      step.answers_lost = draft.random.chance(50);
      draft.add(step);
      step.answers_lost = false;
      step.value_delta = draft.random.pick({0, 500, -500});
      draft.add(step);
    },
};

// Between the host's SYN-ACK and the last ACK.
constexpr std::array before_ack{
    +[](Draft& draft) {
      draft.name("ack-without-flag");  // H20, H27
      Step step = ack(draft.random.chance(70) ? start_of_decoy(draft) : "");
      step.flags = draft.random.pick({8, 0, 1, 9});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("ack-wrong");  // H21
      Step step = ack(draft.random.chance(70) ? start_of_decoy(draft) : "");
      step.ack = draft.random.pick<std::int64_t>({500, 1, -1, 0x7000'0000});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("ack-old-timestamp");  // H22
      Step step = ack(draft.random.chance(70) ? start_of_decoy(draft) : "");
      step.value_delta = -100'000;
      if (!draft.scenario.timestamps) step.bad_checksum = true;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("ack-wrong-echo");  // H34
      Step step = ack(draft.random.chance(70) ? start_of_decoy(draft) : "");
      step.echo_delta = draft.random.pick({-1, 1, 1000, -1000});
      if (!draft.scenario.timestamps) step.bad_checksum = true;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("rst-in-handshake");  // H23-H25
      Step step = ack();
      step.flags = draft.random.pick({4, 20});
      step.seq = draft.random.pick<std::int64_t>({100, 1, -100, 30'000});
      if (draft.random.chance(30)) {
        step.seq = 0;
        step.lost = draft.random.chance(50);
        step.value_delta = -100'000;
        if (!draft.scenario.timestamps) step.lost = true;
      }
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("fin-in-handshake");  // H26
      Step step = ack();
      step.flags = 17;
      step.seq = draft.random.between<std::int64_t>(1, 40);
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("another-syn");  // H08
      Step step = syn(draft.random.pick<std::int64_t>({-1000, 0x4000'0000, -0x4000'0000}));
      step.lost = draft.random.chance(30);
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("first-data-beyond");  // H19, D18
      Step step = ack(start_of_decoy(draft));
      step.seq = draft.random.pick<std::int64_t>({-40, 0x1000'0000});
      draft.add(step);
    },
};

// The host connects: what comes before the SYN-ACK that it takes.
constexpr std::array before_syn_ack{
    +[](Draft& draft) {
      draft.name("synack-wrong-ack");  // H11, H12
      Step step = syn_ack();
      step.ack = draft.random.pick<std::int64_t>({100, -1, 1});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("synack-decoy");  // H10
      Step step = syn_ack(draft.random.pick<std::int64_t>({5, 1000, -1000}));
      step.lost = true;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("rst-in-syn-sent");  // H13
      Step step = syn();
      step.flags = draft.random.pick({4, 20});
      step.ack = draft.random.pick<std::int64_t>({1, -1, 1000});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("data-in-syn-sent");  // H19
      Step step = ack(start_of_decoy(draft));
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("split-handshake");  // H14-H18
      Step step = syn();
      if (draft.random.chance(40)) step.payload = start_of_decoy(draft);
      draft.add(step);
      draft.add(ack());
    },
};

void server_handshake(Draft& draft) {
  Random& random = draft.random;
  draft.add(Step::Kind::connects);
  while (random.chance(60)) random.pick(before_syn_ack)(draft);
  Step step = syn_ack();
  if (random.chance(30)) step.payload = start_of_decoy(draft);  // H17
  if (random.chance(15)) step.flags |= random.pick({1, 8, 32, 0x40});
  if (random.chance(5)) step.options = {30, 4, 0x01, 0x81};  // H35
  step.answers_lost = random.chance(20);
  draft.add(step);
  if (random.chance(25)) {
    draft.name("synack-changed");  // H10
    draft.add(syn_ack(random.pick<std::int64_t>({5, 1000, -1000})));
  }
  if (random.chance(20)) draft.add(syn_ack());
}

// What a forger sends to a host that connects, before the answer that it takes.
constexpr std::array connecting_noise{
    +[](Draft& draft) {
      draft.name("synack-wrong-echo");
      Step step = syn_ack(draft.random.pick<std::int64_t>({1000, -1000, 2000, -2000, 5}));
      step.echo_delta = draft.random.pick({100'000, -100'000});
      if (!draft.scenario.timestamps) step.bad_checksum = true;
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("synack-wrong-ack");  // H11
      Step step = syn_ack(draft.random.pick<std::int64_t>({1000, -1000}));
      step.ack = draft.random.pick<std::int64_t>({100, -1, 1});
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("rst-in-syn-sent");  // H13
      Step step = syn();
      step.flags = draft.random.pick({4, 20});
      if (step.flags == 20) step.ack = draft.random.pick<std::int64_t>({1, -1, 1000});
      if (step.flags == 20 && draft.scenario.timestamps && draft.random.chance(40)) {
        step.ack = 0;  // what was never sent is echoed (RFC 7323 §5.2)
        step.echo_delta = draft.random.pick({100'000, -100'000});
      }
      draft.add(step);
    },
    +[](Draft& draft) {
      draft.name("data-in-syn-sent");  // H19: the answer came by and got lost
      draft.add(syn_ack()).lost = true;
      draft.add(ack(start_of_decoy(draft)));
    },
};

// What a forger sends while the handshake is under way, and the host refuses.
void handshake_noise(Draft& draft) {
  if (draft.scenario.host_connects) {
    draft.random.pick(connecting_noise)(draft);
    Step& step = draft.scenario.steps.back();
    step.forged = true;
    step.answers_lost = true;
    return;
  }
  draft.random.pick(std::initializer_list<HandshakeTrick>{before_ack[0], before_ack[1], before_ack[2],
                                                          before_ack[3]})(draft);
  Step& step = draft.scenario.steps.back();
  step.forged = true;
  step.answers_lost = true;  // else the honest peer echoes a timestamp that the host does not await
}

}  // namespace

void plain_handshake(Draft& draft) {
  if (draft.scenario.host_connects) {
    draft.add(Step::Kind::connects);
    for (unsigned i = 0; i < 3 && draft.scenario.honest && draft.random.chance(25 + 20 * i); ++i)
      handshake_noise(draft);
    draft.add(syn_ack());
    return;
  }
  draft.add(syn());
  if (draft.scenario.honest && draft.random.chance(15)) handshake_noise(draft);
  // Else the first data complete it. An honest peer's ACK that got lost would be a matter of the host's
  // clock.
  if (draft.scenario.honest || !draft.random.chance(30)) draft.add(ack());
}

void handshake(Draft& draft) {
  Random& random = draft.random;
  if (draft.scenario.host_connects) return server_handshake(draft);
  while (random.chance(40)) random.pick(before_syn)(draft);
  if (random.chance(3)) join(draft);
  if (random.chance(40)) {
    random.pick(odd_syn)(draft);
  } else {
    draft.add(syn());
  }
  while (random.chance(45)) random.pick(before_ack)(draft);
  if (!random.chance(30)) draft.add(ack()).answers_lost = random.chance(20);
}

// The same addresses and ports once more: C10, C11.
void reopen(Draft& draft) {
  Random& random = draft.random;
  Step& step = draft.add(Step::Kind::reopens);
  step.seq = random.pick<std::int64_t>({0, 1, 1000, 100'000, -1000, 0x5000'0000});
  draft.add(syn());
  draft.add(ack());
  if (random.chance(40)) draft.add(ack(start_of_decoy(draft))).lost = random.chance(50);
}

}  // namespace lockstep::oracle
