// A socket address of either family, to and from text.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lockstep::oracle {

struct SocketName {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  static SocketName of(const std::string& text, std::uint16_t port) {
    SocketName name;
    if (text.find(':') != std::string::npos) {
      sockaddr_in6 six{};
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(port);
      inet_pton(AF_INET6, text.c_str(), &six.sin6_addr);
      name.take(six);
    } else {
      sockaddr_in four{};
      four.sin_family = AF_INET;
      four.sin_port = htons(port);
      inet_pton(AF_INET, text.c_str(), &four.sin_addr);
      name.take(four);
    }
    return name;
  }
  template <class Address>
  void take(const Address& address) {
    std::memcpy(&storage, &address, sizeof address);
    length = sizeof address;
  }
  [[nodiscard]] sockaddr* raw() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }

  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in four{};  // the port stands at one place in both
    std::memcpy(&four, &storage, sizeof four);
    return ntohs(four.sin_port);
  }
  [[nodiscard]] std::string address() const {
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (storage.ss_family == AF_INET6) {
      sockaddr_in6 six{};
      std::memcpy(&six, &storage, sizeof six);
      inet_ntop(AF_INET6, &six.sin6_addr, out.data(), out.size());
    } else {
      sockaddr_in four{};
      std::memcpy(&four, &storage, sizeof four);
      inet_ntop(AF_INET, &four.sin_addr, out.data(), out.size());
    }
    return out.data();
  }
};

}  // namespace lockstep::oracle
