/* What the kernel program and the engine share: the layout of every map, in plain C for both. A change of any
 * layout or meaning raises LS_ABI; maps that a run of another ABI pinned are not taken over.
 *
 * One pair has one program, attached to both interfaces, and one set of maps, pinned below a directory of its
 * own. The engine is the truth and these maps are its cache: an entry that is missing or out of date sends a
 * packet to the engine, never past it.
 */
#ifndef LOCKSTEP_XDP_LOCKSTEP_H
#define LOCKSTEP_XDP_LOCKSTEP_H

#include <linux/types.h>

#define LS_ABI 3
#define LS_SIDES 2       /* 0: outside, 1: inside; as in the lowest bit of Frame::port */
#define LS_MAX_QUEUES 64 /* a side */
#define LS_MAX_WORKERS 64
#define LS_FLOWS 262144
#define LS_ADDRESS_PREFIXES 16384
#define LS_VLANS 2 /* tags that the program reads through; frames with more go to the engine */

/* Map `config`, one element, mapped into the engine. Times are CLOCK_MONOTONIC in ns, as
 * bpf_ktime_get_coarse_ns() tells it. Written by the engine, but for `epoch`.
 *
 * Who forwards: the engine does while ready == epoch. A packet for the engine that meets a worker whose
 * heartbeat is older than `stale_after`, or a queue without a socket, cannot be given to it. In a pair that
 * fails closed it is dropped. In one that fails open the program raises `epoch` (once: from the value of
 * `ready` to one more) and forwards it, and from there on everything that was for the engine, until the
 * engine, having discarded what its rings hold and having given up what it believed of its flows, writes
 * ready = epoch. A worker compares both each turn.
 */
struct ls_config {
  __u32 abi;
  __u32 ifindex[LS_SIDES]; /* a frame that came in by one leaves by the other */
  __u32 fail_closed;
  __u64 stale_after;
  __u64 ready;
  __u64 epoch;
  __u32 workers;    /* queue q of either side is read by worker q % workers; 0: no engine yet */
  __u32 everything; /* all TCP is for the engine, whatever the masks say */
  __u32 by_address; /* the masks of addresses count as well as those of ports */
  __u32 syn_rate;   /* SYNs a second from one source prefix (/24, /64); 0: no limit */
  __u32 syn_burst;
  __u64 sample_round;    /* in each, one packet of each reason, side and CPU is sampled; 0: none */
  __u32 observe;         /* nothing is dropped, but by a pair that fails closed: the engine only looks on */
  __u32 prefixes;        /* the table of prefixes in force: 0 or 1; 2: none */
  __u64 build;           /* of the program: a hash of its object */
};

/* Map `workers`, LS_MAX_WORKERS elements, mapped. Written by the engine. */
struct ls_worker {
  __u64 heartbeat;  /* when it was last seen at work */
  __u64 armed;      /* flow verdicts whose ticket is at most this may come into effect; see ls_flow */
  __u64 generation; /* of its flow verdicts: those of others are no longer valid */
  __u64 reserved[5];
};

/* Map `queues`, LS_SIDES * LS_MAX_QUEUES elements, by side * LS_MAX_QUEUES + queue, mapped. */
struct ls_queue {
  __u64 sent;     /* frames given to the socket of this queue, counted by the program, atomically */
  __u64 finished; /* written by the engine: it holds none of the first `finished` any more */
  __u64 reserved[6];
};

/* Map `flows`, a hash from ls_flow_key to ls_flow. Both endpoints stand in ascending order of (address, port)
 * compared as bytes in network order, so that both directions have one key. */
struct ls_flow_key {
  __u8 low_address[16]; /* IPv4: the first four bytes, then zeros */
  __u8 high_address[16];
  __be16 low_port;
  __be16 high_port;
  __u16 vlan[LS_VLANS]; /* VLAN identifiers in host order, outermost first, 0 behind the last */
  __u8 version;         /* 4 or 6 */
  __u8 reserved[7];
};

enum ls_verdict {
  LS_ENGINE = 0, /* as if there were no entry */
  LS_BLOCKED,    /* dropped in the kernel, at once */
  LS_BYPASSED,   /* forwarded in the kernel, once the engine holds no packet of the flow: see below */
};

/* No packet of a bypassed flow may overtake one that the engine still holds. The program forwards the flow's
 * packets itself from the first one on for which
 *   - the entry is armed: its ticket is at most workers[worker].armed. The engine arms it when every queue
 * has finished what had been sent on it as the entry was made.
 *   - for both sides, queues[mark.queue].finished >= mark.position, if the mark is set: what the program sent
 *     to the engine while the entry was there, or was just being made, has been finished too.
 * Until then it sends the packet to the engine and marks it. When a side's packets change the queue while the
 * old mark is not finished, the entry becomes LS_ENGINE: the engine finds it so, and may try again.
 * Each side finds that out by itself, for a packet of the other one may be on its way to the engine at the
 * same time. Once a side's packets are forwarded, its `draining` is 0 and stays so.
 *
 * SYN and SYN-ACK of a blocked or bypassed flow go to the engine. An entry is expired, and like none, when
 * `idle` has passed since `last_seen`, or its generation is not that of its worker. RST or FIN of a bypassed
 * flow shorten `idle` to `idle_closed`. Entries are removed by the engine alone.
 */
struct ls_mark {
  __u64 position; /* ls_queue.sent behind the flow's last frame there; 0: not set */
  __u32 queue;
  __u32 reserved;
};

/* What each packet of a flow in effect needs comes first: few cache lines. */
struct ls_flow {
  __u32 verdict;
  __u32 worker;
  __u8 draining[LS_SIDES]; /* LS_BYPASSED: not yet in effect for the packets of this side */
  __u8 reserved[6];
  __u64 generation;
  __u64 idle;
  __u64 last_seen;
  /* Decided in the kernel, by the side they came from. While a side changes its queue some may be left out;
   * the map `counts` leaves none out. */
  __u64 packets[LS_SIDES];
  __u64 bytes[LS_SIDES];
  __u64 idle_closed;
  __u64 ticket;
  struct ls_mark mark[LS_SIDES];
};

/* Prefixes that are blocked or allowed, both families. Two tables, of which config.prefixes names the one in
 * force: the engine fills the other one, then switches. An address is looked up in a front first, exactly
 * only where the front says so; fronts are small, for they are read at random. The maps:
 *   - front20 and front24, for each /20 and each /24 of IPv4 two bits, one of enum ls_prefix. LS_LOOK in the
 *     first sends to the second, and in the second to `exact`.
 *   - front48 and front32, by the first 48 and the first 32 bits of IPv6: a word of 64 bits for each hash,
 * and three bits in it for each prefix (a Bloom filter in one cache line).
 *   - lengths, an element a table: which lengths the next two hold, longest first.
 *   - exact4 and exact6, LS_SLOTS a table: the prefixes themselves. One stands in the first slot that was
 * free, of LS_PROBES from ls_slot_of() on, so that the search ends at an empty one. IPv4 addresses are looked
 * for with the lengths from 32 down to 24; what a shorter prefix says of a /24 with LS_LOOK stands in
 * `exact4` as a prefix of length 24.
 */
enum ls_prefix { LS_NO_PREFIX = 0, LS_BLOCK, LS_ALLOW, LS_LOOK };
#define LS_PREFIX_TABLES 2
#define LS_FRONT20_WORDS (1 << 15) /* of 64 bits: 2^20 pairs */
#define LS_FRONT24_WORDS (1 << 19)
#define LS_FRONT48_BITS 15 /* of the number of a word */
#define LS_FRONT32_BITS 13

#define LS_SLOT_BITS 19
#define LS_SLOTS (1 << LS_SLOT_BITS)
#define LS_PROBES 64

/* Addresses as they stand in a packet; bits behind the length are 0. */
struct ls_slot4 {
  __u32 address;
  __u8 length;
  __u8 says; /* LS_NO_PREFIX: empty */
  __u16 reserved;
};

struct ls_slot6 {
  __u64 high;
  __u64 low;
  __u8 length;
  __u8 says;
  __u8 reserved[6];
};

/* IPv4: `high` is the address, `low` 0. */
static inline __u64 ls_slot_of(__u64 high, __u64 low, __u32 length) {
  __u64 hash = (high ^ length) * 0x9e3779b97f4a7c15ULL;
  hash = (hash ^ hash >> 32 ^ low) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
  return hash >> (64 - LS_SLOT_BITS);
}

struct ls_lengths {
  __u32 count4;
  __u32 long6;  /* lengths6[0, long6): 48 and more */
  __u32 mid6;   /* [long6, mid6): 32 to 47 */
  __u32 count6; /* [mid6, count6): less, which no front covers */
  __u8 lengths4[16];
  __u8 lengths6[136];
};

/* Of the first 48 or 32 bits, given as a number: Fibonacci hashing to a word of front48 or front32, and bits.
 */
#define LS_FRONT6_HASH(prefix) ((prefix)*0x9e3779b97f4a7c15ULL)
#define LS_FRONT6_WORD(hash, bits) ((hash) >> (64 - (bits)))
#define LS_FRONT6_MASK(hash) \
  (1ULL << ((hash) >> 43 & 63) | 1ULL << ((hash) >> 37 & 63) | 1ULL << ((hash) >> 31 & 63))

/* Maps `ports`, 65536 elements by port number, and `addresses4`, `addresses6`, tries of prefixes: which of up
 * to 64 classes of rules can match a source or a destination there. A connection between (a, p) and (b, q) is
 * suspicious if
 *   source(a) & source(p) & destination(b) & destination(q)  or  the same with both ends exchanged
 * is not 0; the masks of addresses are taken as all ones unless config.by_address. An address without an
 * entry has the masks 0. */
struct ls_mask {
  __u64 source;
  __u64 destination;
};

/* Map `counts`, per CPU, by side * LS_COUNTS + what. The first of each side are the ways, then the reasons of
 * drops. Every frame that the program sees is
 * counted in exactly one. */
enum ls_way {
  LS_TO_ENGINE,         /* given to a socket */
  LS_FORWARDED,         /* not TCP, or not suspicious */
  LS_FORWARDED_BYPASS,  /* by the verdict of its flow */
  LS_FORWARDED_ALLOWED, /* an allowed prefix */
  LS_FORWARDED_OPEN,    /* it was for the engine, which could not take it */
  LS_DROPPED,           /* the first of the reasons of drops, in the order of enum ls_drop */
};
#define LS_COUNTS 32

enum ls_drop {
  LS_DROP_LENGTH = LS_DROPPED, /* ip_bad_header */
  LS_DROP_HEADER,              /* tcp_bad_header */
  LS_DROP_FLAGS,               /* tcp_bad_flags */
  LS_DROP_LAND,                /* land */
  LS_DROP_PREFIX,              /* blocked_prefix, and the others of xdp/reasons.h */
  LS_DROP_FLOW,
  LS_DROP_SYN_RATE,
  LS_DROP_ABSENT,
  LS_COUNTED
};

struct ls_count {
  __u64 packets;
  __u64 bytes;
};

struct ls_tally {
  struct ls_count count;
  __u64 sampled; /* config.sample_round as a packet was sampled last */
};

/* Ring buffer `samples`: packets that were dropped in the kernel, now and then one. */
#define LS_SAMPLE_BYTES 128
struct ls_sample {
  __u64 time; /* CLOCK_MONOTONIC */
  __u32 what; /* as in `counts` */
  __u32 side;
  __u32 length;   /* of the frame */
  __u32 captured; /* bytes of it that follow */
  __u8 bytes[LS_SAMPLE_BYTES];
};

#endif
