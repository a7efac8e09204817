/* The kernel's part of the wire, on both interfaces of a pair: drops early what no engine need see, forwards
 * what the engine need not see, gives it the rest. All policy is in the maps (xdp/lockstep.h); a frame is
 * never changed.
 */
#include "xdp/lockstep.h"

#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#include "xdp/parse.h"

#define MAP(name_, type_, key_, value_, entries_, flags_) \
  struct {                                                \
    __uint(type, type_);                                  \
    __type(key, key_);                                    \
    __type(value, value_);                                \
    __uint(max_entries, entries_);                        \
    __uint(map_flags, flags_);                            \
  } name_ SEC(".maps")

MAP(config, BPF_MAP_TYPE_ARRAY, __u32, struct ls_config, 1, BPF_F_MMAPABLE);
MAP(workers, BPF_MAP_TYPE_ARRAY, __u32, struct ls_worker, LS_MAX_WORKERS, BPF_F_MMAPABLE);
MAP(queues, BPF_MAP_TYPE_ARRAY, __u32, struct ls_queue, LS_SIDES* LS_MAX_QUEUES, BPF_F_MMAPABLE);
MAP(sockets, BPF_MAP_TYPE_XSKMAP, __u32, __u32, LS_SIDES* LS_MAX_QUEUES, 0);
MAP(egress, BPF_MAP_TYPE_DEVMAP, __u32, __u32, LS_SIDES, 0);
MAP(flows, BPF_MAP_TYPE_HASH, struct ls_flow_key, struct ls_flow, LS_FLOWS, 0);
MAP(ports, BPF_MAP_TYPE_ARRAY, __u32, struct ls_mask, 65536, BPF_F_MMAPABLE);
MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct ls_tally, LS_SIDES* LS_COUNTS, 0);
MAP(front20, BPF_MAP_TYPE_ARRAY, __u32, __u64, LS_PREFIX_TABLES* LS_FRONT20_WORDS, BPF_F_MMAPABLE);
MAP(front24, BPF_MAP_TYPE_ARRAY, __u32, __u64, LS_PREFIX_TABLES* LS_FRONT24_WORDS, BPF_F_MMAPABLE);
MAP(front48, BPF_MAP_TYPE_ARRAY, __u32, __u64, LS_PREFIX_TABLES << LS_FRONT48_BITS, BPF_F_MMAPABLE);
MAP(front32, BPF_MAP_TYPE_ARRAY, __u32, __u64, LS_PREFIX_TABLES << LS_FRONT32_BITS, BPF_F_MMAPABLE);
MAP(lengths, BPF_MAP_TYPE_ARRAY, __u32, struct ls_lengths, LS_PREFIX_TABLES, BPF_F_MMAPABLE);
MAP(exact4, BPF_MAP_TYPE_ARRAY, __u32, struct ls_slot4, LS_PREFIX_TABLES* LS_SLOTS, BPF_F_MMAPABLE);
MAP(exact6, BPF_MAP_TYPE_ARRAY, __u32, struct ls_slot6, LS_PREFIX_TABLES* LS_SLOTS, BPF_F_MMAPABLE);

struct address_key {
  __u32 bits;
  __u8 address[16];
};
MAP(addresses4, BPF_MAP_TYPE_LPM_TRIE, struct address_key, struct ls_mask, LS_ADDRESS_PREFIXES,
    BPF_F_NO_PREALLOC);
MAP(addresses6, BPF_MAP_TYPE_LPM_TRIE, struct address_key, struct ls_mask, LS_ADDRESS_PREFIXES,
    BPF_F_NO_PREALLOC);

struct rate_key {
  __u8 prefix[8]; /* of the source: /24 or /64 */
  __u64 version;
};
struct rate {
  __u64 since;  /* of `tokens` */
  __u64 tokens; /* in SYNs times a second's ns */
};
MAP(rates, BPF_MAP_TYPE_LRU_HASH, struct rate_key, struct rate, 65536, 0);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18);
} samples SEC(".maps");

/* What is known of the frame on its way through the steps. */
struct frame {
  struct xdp_md* context;
  struct ls_config* config;
  __u32 side;
  __u32 length;
  __u64 now; /* set if there is an entry for the flow */
  struct ls_packet packet;
};

LS_INLINE struct ls_tally* count(const struct frame* frame, __u32 what) {
  __u32 at = frame->side * LS_COUNTS + what;
  struct ls_tally* tally = bpf_map_lookup_elem(&counts, &at);
  if (!tally) return 0;
  tally->count.packets += 1;
  tally->count.bytes += frame->length;
  return tally;
}

static __noinline void sample(struct frame* frame, __u32 what) {
  struct ls_sample* sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
  if (!sample) return;
  sample->time = bpf_ktime_get_coarse_ns();
  sample->what = what;
  sample->side = frame->side;
  sample->length = frame->length;
  __u32 size = frame->length < LS_SAMPLE_BYTES ? frame->length : LS_SAMPLE_BYTES;
  sample->captured = 0;
  if (size > 0 && size <= LS_SAMPLE_BYTES && bpf_xdp_load_bytes(frame->context, 0, sample->bytes, size) == 0)
    sample->captured = size;
  bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

LS_INLINE int drop(struct frame* frame, __u32 what) {
  struct ls_tally* tally = count(frame, what);
  __u64 round = frame->config->sample_round;
  if (tally && tally->sampled != round) {
    tally->sampled = round;
    sample(frame, what);
  }
  return XDP_DROP;
}

LS_INLINE int forward(struct frame* frame, __u32 way) {
  count(frame, way);
  return bpf_redirect_map(&egress, frame->side ^ 1, 0);
}

/* The engine can't take it. */
LS_INLINE int stand_in(struct frame* frame) {
  return frame->config->fail_closed ? drop(frame, LS_DROP_ABSENT) : forward(frame, LS_FORWARDED_OPEN);
}

LS_INLINE int fail(struct frame* frame, __u64 ready) {
  if (!frame->config->fail_closed) __sync_val_compare_and_swap(&frame->config->epoch, ready, ready + 1);
  return stand_in(frame);
}

LS_INLINE int is_alive(const struct frame* frame, __u32 queue) {
  __u32 workers_in_use = frame->config->workers;
  if (workers_in_use == 0) return 0;
  __u32 number = queue % workers_in_use;
  const struct ls_worker* worker = bpf_map_lookup_elem(&workers, &number);
  __s64 age = worker ? (__s64)(bpf_ktime_get_coarse_ns() - worker->heartbeat) : 0;
  return worker && age <= (__s64)frame->config->stale_after;
}

/* `mark`, if not null, is set to where the frame was sent. */
LS_INLINE int to_engine(struct frame* frame, struct ls_mark* mark) {
  __u64 ready = *(volatile __u64*)&frame->config->ready;
  if (ready != *(volatile __u64*)&frame->config->epoch) return stand_in(frame);
  __u32 queue = frame->context->rx_queue_index;
  __u32 slot = frame->side * LS_MAX_QUEUES + queue;
  if (queue >= LS_MAX_QUEUES || !is_alive(frame, queue)) return fail(frame, ready);
  int action = bpf_redirect_map(&sockets, slot, 0);
  struct ls_queue* sent_on = bpf_map_lookup_elem(&queues, &slot);
  if (action != XDP_REDIRECT || !sent_on) return fail(frame, ready);
  __u64 before = __sync_fetch_and_add(&sent_on->sent, 1);
  if (mark) {
    mark->queue = slot;
    mark->position = before + 1;
  }
  count(frame, LS_TO_ENGINE);
  return action;
}

/* Prefixes. */

/* Addresses as they stand in the packet. Not static: the verifier looks at such a function once, not at every
 * way that leads there. `length`: 1 to 32. */
__noinline int look_up4(__u32 address, __u32 table, __u32 length) {
  address &= __builtin_bswap32(~0U << ((32 - length) & 31));
  __u32 first = (__u32)ls_slot_of(address, 0, length);
  for (__u32 i = 0; i < LS_PROBES; ++i) {
    __u32 at = table * LS_SLOTS + ((first + i) & (LS_SLOTS - 1));
    const struct ls_slot4* slot = bpf_map_lookup_elem(&exact4, &at);
    if (!slot || slot->says == LS_NO_PREFIX) break;
    if (slot->address == address && slot->length == length) return slot->says;
  }
  return LS_NO_PREFIX;
}

__noinline int look_up6(__u64 high, __u64 low, __u32 table, __u32 length) {
  __u64 high_mask = length >= 64 ? ~0ULL : length == 0 ? 0 : ~0ULL << (64 - length);
  __u64 low_mask = length >= 128 ? ~0ULL : length <= 64 ? 0 : ~0ULL << (128 - length);
  high &= __builtin_bswap64(high_mask);
  low &= __builtin_bswap64(low_mask);
  __u32 first = (__u32)ls_slot_of(high, low, length);
  for (__u32 i = 0; i < LS_PROBES; ++i) {
    __u32 at = table * LS_SLOTS + ((first + i) & (LS_SLOTS - 1));
    const struct ls_slot6* slot = bpf_map_lookup_elem(&exact6, &at);
    if (!slot || slot->says == LS_NO_PREFIX) break;
    if (slot->high == high && slot->low == low && slot->length == length) return slot->says;
  }
  return LS_NO_PREFIX;
}

struct walk {
  const struct ls_lengths* in_use;
  __u64 high;
  __u64 low;
  __u32 table;
  __u32 from;
  __u32 found;
};

static long try_length4(__u32 i, struct walk* walk) {
  if (i >= sizeof walk->in_use->lengths4) return 1;
  walk->found = (__u32)look_up4((__u32)walk->high, walk->table, walk->in_use->lengths4[i]);
  return walk->found != LS_NO_PREFIX;
}

/* What one of the fronts says of the `number`-th net; `first`: the word where its table begins. */
LS_INLINE __u32 front_says(void* front, __u32 first, __u32 number) {
  __u32 word = first + (number >> 5);
  const __u64* says = bpf_map_lookup_elem(front, &word);
  return says ? *says >> (number & 31) * 2 & 3 : LS_NO_PREFIX;
}

/* `address` in network order. */
__noinline int prefix4(__u32 address, __u32 table) {
  __u32 number = __builtin_bswap32(address);
  __u32 says = front_says(&front20, table * LS_FRONT20_WORDS, number >> 12);
  if (says != LS_LOOK) return (int)says;
  says = front_says(&front24, table * LS_FRONT24_WORDS, number >> 8);
  if (says != LS_LOOK) return (int)says;
  struct walk walk = {.in_use = bpf_map_lookup_elem(&lengths, &table), .high = address, .table = table};
  if (!walk.in_use) return LS_NO_PREFIX;
  bpf_loop(walk.in_use->count4, try_length4, &walk, 0);
  return (int)walk.found;
}

LS_INLINE int front_has(void* front, __u32 bits, __u32 table, __u64 prefix) {
  __u64 hash = LS_FRONT6_HASH(prefix);
  __u32 word = table << bits | (__u32)LS_FRONT6_WORD(hash, bits);
  __u64 mask = LS_FRONT6_MASK(hash);
  const __u64* found = bpf_map_lookup_elem(front, &word);
  return found && (*found & mask) == mask;
}

static long try_length6(__u32 i, struct walk* walk) {
  __u32 at = walk->from + i;
  if (at >= sizeof walk->in_use->lengths6) return 1;
  walk->found = (__u32)look_up6(walk->high, walk->low, walk->table, walk->in_use->lengths6[at]);
  return walk->found != LS_NO_PREFIX;
}

/* The lengths [from, to) of those in use. */
LS_INLINE void walk_lengths6(struct walk* walk, __u32 from, __u32 to) {
  if (walk->found != LS_NO_PREFIX || to <= from) return;
  walk->from = from;
  bpf_loop(to - from, try_length6, walk, 0);
}

__noinline int prefix6(__u64 high, __u64 low, __u32 table) {
  struct walk walk = {
      .in_use = bpf_map_lookup_elem(&lengths, &table), .high = high, .low = low, .table = table};
  const struct ls_lengths* in_use = walk.in_use;
  if (!in_use) return LS_NO_PREFIX;
  __u64 first = __builtin_bswap64(high);
  if (in_use->long6 > 0 && front_has(&front48, LS_FRONT48_BITS, table, first >> 16))
    walk_lengths6(&walk, 0, in_use->long6);
  if (in_use->mid6 > in_use->long6 && front_has(&front32, LS_FRONT32_BITS, table, first >> 32))
    walk_lengths6(&walk, in_use->long6, in_use->mid6);
  walk_lengths6(&walk, in_use->mid6, in_use->count6);
  return (int)walk.found;
}

LS_INLINE __u32 prefix_of_end(const struct ls_packet* packet, __u32 end, __u32 table) {
  if (packet->version == 4) return (__u32)prefix4(packet->address.words[end][0], table);
  return (__u32)prefix6(packet->address.halves[end][0], packet->address.halves[end][1], table);
}

/* Of both ends: a block of either one counts before an allowance of the other. */
LS_INLINE __u32 prefix_of(const struct frame* frame) {
  const struct ls_packet* packet = &frame->packet;
  __u32 table = frame->config->prefixes;
  if (table >= LS_PREFIX_TABLES || packet->version == 0) return LS_NO_PREFIX;
  __u32 source = prefix_of_end(packet, 0, table);
  if (source == LS_BLOCK) return LS_BLOCK;
  __u32 destination = prefix_of_end(packet, 1, table);
  return destination == LS_NO_PREFIX ? source : destination;
}

/* Flows. */

LS_INLINE void make_key(const struct ls_packet* packet, struct ls_flow_key* key) {
  __u32 low = ls_source_is_low(packet) ? 0 : 1;
  __builtin_memset(key, 0, sizeof *key);
  __builtin_memcpy(key->low_address, packet->address.bytes[low & 1], 16);
  __builtin_memcpy(key->high_address, packet->address.bytes[(low ^ 1) & 1], 16);
  __u16 low_port = low == 0 ? packet->source_port : packet->destination_port;
  __u16 high_port = low == 0 ? packet->destination_port : packet->source_port;
  key->low_port = __builtin_bswap16(low_port);
  key->high_port = __builtin_bswap16(high_port);
  key->vlan[0] = packet->vlan[0];
  key->vlan[1] = packet->vlan[1];
  key->version = packet->version;
}

LS_INLINE int is_finished(const struct ls_mark* mark) {
  if (mark->position == 0) return 1;
  __u32 slot = mark->queue;
  const struct ls_queue* queue = bpf_map_lookup_elem(&queues, &slot);
  return queue && *(volatile const __u64*)&queue->finished >= mark->position;
}

/* Whether the engine holds no packet of the flow any more. */
LS_INLINE int is_drained(const struct ls_flow* flow) {
  __u32 number = flow->worker;
  const struct ls_worker* worker = bpf_map_lookup_elem(&workers, &number);
  return worker && *(volatile const __u64*)&worker->armed >= flow->ticket && is_finished(&flow->mark[0]) &&
         is_finished(&flow->mark[1]);
}

LS_INLINE void count_flow(const struct frame* frame, struct ls_flow* flow) {
  __u32 side = frame->side & 1;
  flow->last_seen = frame->now;
  flow->packets[side] += 1;
  flow->bytes[side] += frame->length;
}

LS_INLINE void leave_mark(const struct frame* frame, struct ls_flow* flow, const struct ls_mark* mark) {
  __u32 side = frame->side & 1;
  struct ls_mark* last = &flow->mark[side];
  if (mark->position == 0) return;
  if (flow->draining[side] && last->queue != mark->queue && !is_finished(last)) flow->verdict = LS_ENGINE;
  *last = *mark;
}

LS_INLINE int drain(struct frame* frame, struct ls_flow* flow) {
  struct ls_mark mark = {};
  int action = to_engine(frame, &mark);
  leave_mark(frame, flow, &mark);
  return action;
}

LS_INLINE int is_in_force(const struct frame* frame, const struct ls_flow* flow) {
  __u32 number = flow->worker;
  const struct ls_worker* worker = bpf_map_lookup_elem(&workers, &number);
  return worker && flow->verdict != LS_ENGINE && flow->generation == worker->generation &&
         (__s64)(frame->now - flow->last_seen) <= (__s64)flow->idle;
}

LS_INLINE int obey(struct frame* frame, struct ls_flow* flow) {
  if (flow->verdict == LS_BLOCKED) {
    count_flow(frame, flow);
    return drop(frame, LS_DROP_FLOW);
  }
  __u8* draining = &flow->draining[frame->side & 1];
  if (*draining) {
    if (!is_drained(flow)) return drain(frame, flow);
    *draining = 0;
  }
  if (frame->packet.flags & (LS_RST | LS_FIN)) flow->idle = flow->idle_closed;
  count_flow(frame, flow);
  return forward(frame, LS_FORWARDED_BYPASS);
}

/* SYNs. */

LS_INLINE int exceeds_rate(const struct frame* frame) {
  const struct ls_config* policy = frame->config;
  struct rate_key key = {.version = frame->packet.version};
  __builtin_memcpy(key.prefix, frame->packet.address.bytes[0], 8);
  if (frame->packet.version == 4) key.prefix[3] = 0;
  __u64 now = bpf_ktime_get_ns();
  const __u64 second = 1000000000;
  __u64 full = (__u64)policy->syn_burst * second;
  struct rate* rate = bpf_map_lookup_elem(&rates, &key);
  if (!rate) {
    struct rate fresh = {.since = now, .tokens = full < second ? 0 : full - second};
    bpf_map_update_elem(&rates, &key, &fresh, BPF_ANY);
    return full < second;
  }
  /* Another CPU may have looked at the clock later, and written before. */
  __u64 passed = now > rate->since ? now - rate->since : 0;
  if (passed > 60 * second) passed = 60 * second;
  __u64 tokens = rate->tokens + passed * policy->syn_rate;
  if (tokens > full) tokens = full;
  if (passed > 0) rate->since = now;
  rate->tokens = tokens >= second ? tokens - second : tokens;
  return tokens < second;
}

/* Rules. */

LS_INLINE void mask_address(const struct ls_packet* packet, __u32 end, struct ls_mask* mask) {
  struct address_key key;
  __builtin_memcpy(key.address, packet->address.bytes[end & 1], 16);
  const struct ls_mask* found;
  if (packet->version == 4) {
    key.bits = 32;
    found = bpf_map_lookup_elem(&addresses4, &key);
  } else {
    key.bits = 128;
    found = bpf_map_lookup_elem(&addresses6, &key);
  }
  mask->source &= found ? found->source : 0;
  mask->destination &= found ? found->destination : 0;
}

LS_INLINE int is_suspicious(const struct frame* frame) {
  if (frame->config->everything) return 1;
  const struct ls_packet* packet = &frame->packet;
  __u32 port = packet->source_port;
  const struct ls_mask* found = bpf_map_lookup_elem(&ports, &port);
  struct ls_mask source = found ? *found : (struct ls_mask){~0ULL, ~0ULL};
  port = packet->destination_port;
  found = bpf_map_lookup_elem(&ports, &port);
  struct ls_mask destination = found ? *found : (struct ls_mask){~0ULL, ~0ULL};
  if (frame->config->by_address) {
    mask_address(packet, 0, &source);
    mask_address(packet, 1, &destination);
  }
  return (source.source & destination.destination) != 0 || (destination.source & source.destination) != 0;
}

/* The engine may make an entry for the flow after we looked, and then take what was sent on this queue for
 * all that it has to wait for. So the entry is looked for again once the frame is counted: it is there, and
 * gets the mark, or it comes later, and the engine sees the count. */
LS_INLINE int to_engine_at_last(struct frame* frame, const struct ls_flow_key* key) {
  struct ls_mark mark = {};
  int action = to_engine(frame, &mark);
  struct ls_flow* flow = bpf_map_lookup_elem(&flows, key);
  if (flow) leave_mark(frame, flow, &mark);
  return action;
}

LS_INLINE int decide_tcp(struct frame* frame) {
  int opens = (frame->packet.flags & LS_SYN) != 0, known = 0;
  struct ls_flow_key key;
  make_key(&frame->packet, &key);
  struct ls_flow* flow = bpf_map_lookup_elem(&flows, &key);
  if (flow) frame->now = bpf_ktime_get_coarse_ns();
  if (flow && is_in_force(frame, flow)) {
    if (!opens) return obey(frame, flow);
    known = 1;
  }
  if (opens && !(frame->packet.flags & LS_ACK) && frame->config->syn_rate != 0 && !frame->config->observe &&
      exceeds_rate(frame))
    return drop(frame, LS_DROP_SYN_RATE);
  if (known || is_suspicious(frame)) return to_engine_at_last(frame, &key);
  return forward(frame, LS_FORWARDED);
}

SEC("xdp.frags")
int lockstep(struct xdp_md* context) {
  __u32 zero = 0;
  struct frame frame = {.context = context, .config = bpf_map_lookup_elem(&config, &zero)};
  if (!frame.config) return XDP_ABORTED;
  frame.side = context->ingress_ifindex == frame.config->ifindex[1];
  frame.length = (__u32)bpf_xdp_get_buff_len(context);
  ls_parse((void*)(long)context->data, (void*)(long)context->data_end, frame.length, &frame.packet);
  if (frame.packet.kind >= LS_BAD_LENGTH && !frame.config->observe)
    return drop(&frame, frame.packet.kind - LS_BAD_LENGTH + LS_DROP_LENGTH);
  __u32 prefix = prefix_of(&frame);
  if (prefix == LS_BLOCK && !frame.config->observe) return drop(&frame, LS_DROP_PREFIX);
  if (prefix == LS_ALLOW) return forward(&frame, LS_FORWARDED_ALLOWED);
  if (frame.packet.kind == LS_TCP) return decide_tcp(&frame);
  return frame.packet.kind == LS_PASSES ? forward(&frame, LS_FORWARDED) : to_engine(&frame, 0);
}

char _license[] SEC("license") = "GPL";
