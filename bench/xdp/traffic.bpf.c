/* Traffic for a test run, which repeats one frame: each run gets another source, and goes on to the program
 * that is measured, or out. That costs the same before a bare program and before ours. And the bare programs.
 */
/* The helpers need the types of what stands before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
  __uint(max_entries, 1);
} measured SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(key_size, 4);
  __uint(value_size, 4);
  __uint(max_entries, 1);
} egress SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(key_size, 4);
  __uint(value_size, 4);
  __uint(max_entries, 1);
} sockets SEC(".maps");

/* Few bytes a source, or the traffic itself takes the caches: an IPv4 address, or the first half of another.
 */
struct address {
  __u8 bytes[8];
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, struct address);
  __uint(max_entries, 131072);
} addresses SEC(".maps");

__u32 sources = 0; /* how many of `addresses` take turns, at random; 0: the frame's own */
__u32 flows = 1;   /* how many source ports take turns */
static __u64 runs;

SEC("xdp.frags")
int drop(struct xdp_md* context __attribute__((unused))) {
  return XDP_DROP;
}

SEC("xdp.frags")
int redirect(struct xdp_md* context __attribute__((unused))) {
  return bpf_redirect_map(&egress, 0, 0);
}

SEC("xdp.frags")
int to_socket(struct xdp_md* context __attribute__((unused))) {
  return bpf_redirect_map(&sockets, 0, XDP_DROP);
}

/* Behind the traffic: out by the interface that the test run names. */
SEC("xdp.frags")
int leave(struct xdp_md* context __attribute__((unused))) {
  return XDP_TX;
}

static __always_inline int set_source(__u8* ip, const __u8* end, __u64 run) {
  __u32 at = (__u32)(run * 0x9e3779b97f4a7c15ULL >> 32) % sources;
  const struct address* address = bpf_map_lookup_elem(&addresses, &at);
  if (!address || ip + 40 > end) return 0;
  if (ip[0] >> 4 == 6)
    __builtin_memcpy(ip + 8, address->bytes, 8);
  else
    __builtin_memcpy(ip + 12, address->bytes, 4);
  return 1;
}

SEC("xdp.frags")
int traffic(struct xdp_md* context) {
  __u8* ip = (__u8*)(long)context->data + 14;
  const __u8* end = (const __u8*)(long)context->data_end;
  __u64 run = runs++;
  if (sources != 0 && !set_source(ip, end, run)) return XDP_ABORTED;
  if (flows != 1) {
    if (ip + 42 > end) return XDP_ABORTED;
    __u16 port = 1024 + run % flows;
    __u8* tcp = ip + (ip[0] >> 4 == 6 ? 40 : 20);
    tcp[0] = port >> 8;
    tcp[1] = port & 0xff;
  }
  bpf_tail_call(context, &measured, 0);
  return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
