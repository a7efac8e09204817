/* What one frame alone tells: its endpoints, if it is TCP, and whether it can be told at all. Plain C that
 * compiles for the kernel and for the tests. Every access is checked against `end`; nothing is allocated or
 * written but `struct ls_packet`.
 *
 * The answers agree with the engine's decoder (reassembly/wire.hpp): what is dropped here it refuses too, for
 * the same fault. What needs more than a short walk (fragments, routing and authentication headers), and what
 * lies behind the first buffer, is left to it. Options of IP are skipped, for they say nothing of the
 * connection: where that is the engine's, it refuses bad ones.
 */
#ifndef LOCKSTEP_XDP_PARSE_H
#define LOCKSTEP_XDP_PARSE_H

#include "xdp/lockstep.h"

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif

#ifdef __bpf__
#define LS_INLINE static __attribute__((always_inline)) inline
#else
#define LS_INLINE static inline
#endif

enum ls_kind {
  LS_PASSES,  /* no TCP: none of the engine's business */
  LS_TCP,     /* everything below is set */
  LS_UNCLEAR, /* TCP perhaps: the engine must look */
  /* Dropped; the names are the decoder's. */
  LS_BAD_LENGTH, /* the frame is shorter than its IP header says */
  LS_BAD_HEADER,
  LS_BAD_FLAGS,
  LS_LAND,
};

struct ls_packet {
  __u32 kind;
  __u16 source_port; /* host order */
  __u16 destination_port;
  __u8 version; /* 4, 6; 0: not IP, and no addresses */
  __u8 flags;
  __u16 vlan[LS_VLANS];
  union {
    __u8 bytes[2][16]; /* source, destination; IPv4: the first four bytes, then zeros */
    __u32 words[2][4];
    __u64 halves[2][2];
  } address;
};

struct ls_bytes {
  const __u8* at;
  const __u8* end;
};

LS_INLINE __u16 ls_load16(const __u8* at) {
  return (__u16)(at[0] << 8 | at[1]);
}

#define LS_FIN 0x01
#define LS_SYN 0x02
#define LS_RST 0x04
#define LS_ACK 0x10

/* `bytes.at` is the TCP header; `length` is what the IP header says of it and what follows. */
LS_INLINE __u32 ls_parse_tcp(struct ls_bytes bytes, __u32 length, struct ls_packet* packet) {
  const __u8* tcp = bytes.at;
  if (length < 20) return LS_BAD_HEADER;
  if (tcp + 20 > bytes.end) return LS_UNCLEAR; /* beyond the first buffer */
  packet->source_port = ls_load16(tcp);
  packet->destination_port = ls_load16(tcp + 2);
  packet->flags = tcp[13];
  __u32 header = (__u32)(tcp[12] >> 4) * 4;
  if (header < 20 || header > length) return LS_BAD_HEADER;
  if ((packet->flags & LS_SYN) != 0 && (packet->flags & (LS_FIN | LS_RST)) != 0) return LS_BAD_FLAGS;
  if (packet->source_port == packet->destination_port &&
      packet->address.halves[0][0] == packet->address.halves[1][0] &&
      packet->address.halves[0][1] == packet->address.halves[1][1])
    return LS_LAND;
  return LS_TCP;
}

/* `frame_left`: bytes of the whole frame from the IP header on, of which the first buffer may hold fewer. */
LS_INLINE __u32 ls_parse_ip4(struct ls_bytes bytes, __u32 frame_left, struct ls_packet* packet) {
  const __u8* ip = bytes.at;
  if (ip + 20 > bytes.end) return LS_UNCLEAR;
  __u32 total = ls_load16(ip + 2);
  if (ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || total < 20) return LS_UNCLEAR;
  packet->version = 4;
  __builtin_memcpy(packet->address.bytes[0], ip + 12, 4);
  __builtin_memcpy(packet->address.bytes[1], ip + 16, 4);
  if (ip[9] == 51) return LS_UNCLEAR; /* what it authenticates may be TCP */
  if (ip[9] != 6) return LS_PASSES;
  __u32 header = (__u32)(ip[0] & 15) * 4;
  if ((ls_load16(ip + 6) & 0x3fff) != 0 || total < header) return LS_UNCLEAR;
  if (frame_left < total) return LS_BAD_LENGTH;
  bytes.at = ip + header;
  return ls_parse_tcp(bytes, total - header, packet);
}

/* Extension headers that are walked over; chains beyond are the engine's. */
#define LS_EXTENSIONS 6

LS_INLINE __u32 ls_parse_ip6(struct ls_bytes bytes, __u32 frame_left, struct ls_packet* packet) {
  const __u8* ip = bytes.at;
  if (ip + 40 > bytes.end || ip[0] >> 4 != 6) return LS_UNCLEAR;
  __u32 length = ls_load16(ip + 4);
  packet->version = 6;
  __builtin_memcpy(packet->address.bytes[0], ip + 8, 16);
  __builtin_memcpy(packet->address.bytes[1], ip + 24, 16);
  __u8 next = ip[6];
  __u32 walked = 0;
  bytes.at = ip + 40;
  for (int i = 0; i < LS_EXTENSIONS; ++i) {
    if (next == 6) {
      if (frame_left < 40 + length) return LS_BAD_LENGTH;
      if (walked > length) return LS_UNCLEAR;
      return ls_parse_tcp(bytes, length - walked, packet);
    }
    if (next == 43 || next == 44 || next == 51 || next == 135) return LS_UNCLEAR;
    if (next != 0 && next != 60) return LS_PASSES;
    if (bytes.at + 8 > bytes.end) return LS_UNCLEAR;
    __u32 size = ((__u32)bytes.at[1] + 1) * 8;
    next = bytes.at[0];
    bytes.at += size;
    walked += size;
  }
  return LS_UNCLEAR;
}

LS_INLINE int ls_is_tag(__u16 type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Of headers that the first buffer has not got: no host reads what the frame has not got either. */
LS_INLINE __u32 ls_cut(__u32 left, __u32 wanted) {
  return left < wanted ? LS_PASSES : LS_UNCLEAR;
}

/* `frame_length`: of the whole frame; [data, end) is its first buffer. */
LS_INLINE void ls_parse(const void* data, const void* end, __u32 frame_length, struct ls_packet* packet) {
  struct ls_bytes bytes = {(const __u8*)data, (const __u8*)end};
  __builtin_memset(packet, 0, sizeof *packet);
  packet->kind = LS_PASSES;
  if (bytes.at + 14 > bytes.end) return;
  __u16 type = ls_load16(bytes.at + 12);
  bytes.at += 14;
  __u32 left = frame_length > 14 ? frame_length - 14 : 0;
  for (int i = 0; i < LS_VLANS && ls_is_tag(type); ++i) {
    if (bytes.at + 4 > bytes.end || left < 4) {
      packet->kind = ls_cut(left, 4);
      return;
    }
    __u16 id = ls_load16(bytes.at) & 0x0fff;
    type = ls_load16(bytes.at + 2);
    /* VID 0 is untagged (IEEE 802.1Q). */
    if (packet->vlan[0] == 0)
      packet->vlan[0] = id;
    else if (id != 0)
      packet->vlan[1] = id;
    bytes.at += 4;
    left -= 4;
  }
  if (ls_is_tag(type)) {
    packet->kind = LS_UNCLEAR;
    return;
  }
  if (type == 0x8864) { /* a PPPoE session: 6 bytes, then PPP's protocol (RFC 2516) */
    if (bytes.at + 8 > bytes.end) {
      packet->kind = ls_cut(left, 8);
      return;
    }
    if (bytes.at[0] != 0x11 || bytes.at[1] != 0) return;
    __u32 session = ls_load16(bytes.at + 4);
    if (session < 2 || left < 6 + session || (bytes.at[6] & 1) != 0) { /* an odd byte: compressed to one */
      packet->kind = LS_UNCLEAR;
      return;
    }
    __u16 inner = ls_load16(bytes.at + 6);
    type = inner == 0x0021 ? 0x0800 : inner == 0x0057 ? 0x86dd : 0;
    bytes.at += 8;
    left = session - 2;
  }
  if (type == 0x0800) packet->kind = ls_parse_ip4(bytes, left, packet);
  if (type == 0x86dd) packet->kind = ls_parse_ip6(bytes, left, packet);
}

/* Ascending by (address, port), as bytes in network order. */
LS_INLINE int ls_source_is_low(const struct ls_packet* packet) {
  for (int i = 0; i < 2; ++i) {
    __u64 source = __builtin_bswap64(packet->address.halves[0][i]);
    __u64 destination = __builtin_bswap64(packet->address.halves[1][i]);
    if (source != destination) return source < destination;
  }
  return packet->source_port <= packet->destination_port;
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

#endif
