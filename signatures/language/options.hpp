// The readers of single options, one for each keyword that is built. Each takes the option apart and adds to
// the draft, or says where and why it can't. Grouped as the source files are.
#pragma once
#include "signatures/language/draft.hpp"

namespace lockstep::signatures {

// meta.cpp
Parsed read_msg(Draft& draft, const Option& option);
Parsed read_sid(Draft& draft, const Option& option);
Parsed read_gid(Draft& draft, const Option& option);
Parsed read_rev(Draft& draft, const Option& option);
Parsed read_classtype(Draft& draft, const Option& option);
Parsed read_priority(Draft& draft, const Option& option);
Parsed read_reference(Draft& draft, const Option& option);
Parsed read_metadata(Draft& draft, const Option& option);
Parsed read_target(Draft& draft, const Option& option);
Parsed read_noalert(Draft& draft, const Option& option);
Parsed read_alert(Draft& draft, const Option& option);
Parsed read_bypass(Draft& draft, const Option& option);
Parsed read_prefilter(Draft& draft, const Option& option);
Parsed read_requires(Draft& draft, const Option& option);

// content.cpp
Parsed read_content(Draft& draft, const Option& option);
Parsed read_uricontent(Draft& draft, const Option& option);
Parsed read_nocase(Draft& draft, const Option& option);
Parsed read_rawbytes(Draft& draft, const Option& option);
Parsed read_offset(Draft& draft, const Option& option);
Parsed read_depth(Draft& draft, const Option& option);
Parsed read_distance(Draft& draft, const Option& option);
Parsed read_within(Draft& draft, const Option& option);
Parsed read_startswith(Draft& draft, const Option& option);
Parsed read_endswith(Draft& draft, const Option& option);
Parsed read_fast_pattern(Draft& draft, const Option& option);
Parsed read_pkt_data(Draft& draft, const Option& option);
Parsed read_tcp_hdr(Draft& draft, const Option& option);

// payload.cpp
Parsed read_isdataat(Draft& draft, const Option& option);
Parsed read_pcre(Draft& draft, const Option& option);

// bytes.cpp
Parsed read_byte_test(Draft& draft, const Option& option);
Parsed read_byte_jump(Draft& draft, const Option& option);
Parsed read_byte_extract(Draft& draft, const Option& option);
Parsed read_byte_math(Draft& draft, const Option& option);

// packet_options.cpp
Parsed read_dsize(Draft& draft, const Option& option);
Parsed read_ttl(Draft& draft, const Option& option);
Parsed read_tos(Draft& draft, const Option& option);
Parsed read_id(Draft& draft, const Option& option);
Parsed read_ip_proto(Draft& draft, const Option& option);
Parsed read_sameip(Draft& draft, const Option& option);
Parsed read_fragbits(Draft& draft, const Option& option);
Parsed read_fragoffset(Draft& draft, const Option& option);
Parsed read_ipopts(Draft& draft, const Option& option);
Parsed read_tcp_flags(Draft& draft, const Option& option);
Parsed read_seq(Draft& draft, const Option& option);
Parsed read_ack(Draft& draft, const Option& option);
Parsed read_window(Draft& draft, const Option& option);
Parsed read_tcp_mss(Draft& draft, const Option& option);
Parsed read_tcp_wscale(Draft& draft, const Option& option);
Parsed read_ipv4_csum(Draft& draft, const Option& option);
Parsed read_tcpv4_csum(Draft& draft, const Option& option);
Parsed read_tcpv6_csum(Draft& draft, const Option& option);
Parsed read_itype(Draft& draft, const Option& option);
Parsed read_icode(Draft& draft, const Option& option);
Parsed read_icmp_id(Draft& draft, const Option& option);
Parsed read_icmp_seq(Draft& draft, const Option& option);
Parsed read_stream_event(Draft& draft, const Option& option);

// state_options.cpp
Parsed read_flow(Draft& draft, const Option& option);
Parsed read_flowbits(Draft& draft, const Option& option);
Parsed read_flowint(Draft& draft, const Option& option);
Parsed read_xbits(Draft& draft, const Option& option);
Parsed read_hostbits(Draft& draft, const Option& option);
Parsed read_stream_size(Draft& draft, const Option& option);
Parsed read_flow_age(Draft& draft, const Option& option);
Parsed read_flow_pkts(Draft& draft, const Option& option);
Parsed read_flow_pkts_to_server(Draft& draft, const Option& option);
Parsed read_flow_pkts_to_client(Draft& draft, const Option& option);
Parsed read_flow_bytes(Draft& draft, const Option& option);
Parsed read_flow_bytes_to_server(Draft& draft, const Option& option);
Parsed read_flow_bytes_to_client(Draft& draft, const Option& option);
Parsed read_app_layer_protocol(Draft& draft, const Option& option);

// rate.cpp
Parsed read_threshold(Draft& draft, const Option& option);
Parsed read_detection_filter(Draft& draft, const Option& option);

}  // namespace lockstep::signatures
