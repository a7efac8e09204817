#include "engine/settings.hpp"

namespace lockstep {

// Names and values: Suricata's suricata.yaml.in, section vars, but HOME_NET and EXTERNAL_NET are any: without
// a configuration nobody has said which network is at home.
NameMap default_address_groups() {
  return {{"HOME_NET", "any"},
          {"EXTERNAL_NET", "any"},
          {"HTTP_SERVERS", "$HOME_NET"},
          {"SMTP_SERVERS", "$HOME_NET"},
          {"SQL_SERVERS", "$HOME_NET"},
          {"DNS_SERVERS", "$HOME_NET"},
          {"TELNET_SERVERS", "$HOME_NET"},
          {"AIM_SERVERS", "$EXTERNAL_NET"},
          {"DC_SERVERS", "$HOME_NET"},
          {"DNP3_SERVER", "$HOME_NET"},
          {"DNP3_CLIENT", "$HOME_NET"},
          {"MODBUS_CLIENT", "$HOME_NET"},
          {"MODBUS_SERVER", "$HOME_NET"},
          {"ENIP_CLIENT", "$HOME_NET"},
          {"ENIP_SERVER", "$HOME_NET"}};
}

NameMap default_port_groups() {
  return {
      {"HTTP_PORTS", "80"},     {"SHELLCODE_PORTS", "!80"},   {"ORACLE_PORTS", "1521"},
      {"SSH_PORTS", "22"},      {"DNP3_PORTS", "20000"},      {"MODBUS_PORTS", "502"},
      {"FTP_PORTS", "21"},      {"GENEVE_PORTS", "6081"},     {"VXLAN_PORTS", "4789"},
      {"TEREDO_PORTS", "3544"}, {"SIP_PORTS", "[5060,5061]"}, {"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"}};
}

}  // namespace lockstep
