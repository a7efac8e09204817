#include "reassembly/segment.hpp"

#include <arpa/inet.h>

namespace lockstep::reassembly {

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.version == 4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::string to_string(TcpFlags flags) {
  constexpr std::array<std::pair<TcpFlag, char>, 8> letters{{{TcpFlag::syn, 'S'},
                                                             {TcpFlag::fin, 'F'},
                                                             {TcpFlag::rst, 'R'},
                                                             {TcpFlag::psh, 'P'},
                                                             {TcpFlag::ack, 'A'},
                                                             {TcpFlag::urg, 'U'},
                                                             {TcpFlag::ece, 'E'},
                                                             {TcpFlag::cwr, 'C'}}};
  std::string text;
  for (const auto& [flag, letter] : letters) {
    if (flags.has(flag)) text += letter;
  }
  return text.empty() ? "." : text;
}

}  // namespace lockstep::reassembly
