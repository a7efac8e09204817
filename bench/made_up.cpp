#include "bench/made_up.hpp"

#include <random>

#include <fmt/format.h>

namespace lockstep::bench {
namespace {

template <class Random>
const std::string& one_of(const std::vector<std::string>& words, Random& random) {
  return words[random() % words.size()];
}

}  // namespace

std::string made_up_payload(std::size_t length) {
  static const std::vector<std::string> words = {"session", "static",  "image",  "assets", "index", "login",
                                                 "search",  "article", "banner", "style",  "main",  "vendor",
                                                 "query",   "cart",    "price",  "news"};
  std::mt19937 random(7);
  const auto word = [&] { return one_of(words, random); };
  std::string payload;
  while (payload.size() < length) {
    payload += fmt::format(
        "GET /{}/{}-{}.html?id={} HTTP/1.1\r\nHost: www.{}.example\r\nUser-Agent: Mozilla/5.0 (X11; "
        "Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\nAccept: text/html,*/*;q=0.8\r\n"
        "Accept-Encoding: gzip, deflate\r\nCookie: sid={:016x}; theme={}\r\n\r\n",
        word(), word(), random(), random(), word(), random(), word());
    payload += fmt::format(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 6000\r\n\r\n<html>");
    for (int i = 0; i < 60; ++i)
      payload += fmt::format("<div class=\"{}\"><a href=\"/{}/{}\">{} {}</a></div>\n", word(), word(), word(),
                             word(), word());
    for (int i = 0; i < 2000; ++i) payload += static_cast<char>(random());
  }
  return payload;
}

std::vector<MadeUpRule> made_up_rules(std::size_t count) {
  static const std::vector<std::string> words = {"admin",  "shell",  "exec",   "upload", "config",
                                                 "passwd", "inject", "loader", "beacon", "panel"};
  std::mt19937 random(11);
  std::vector<MadeUpRule> rules(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("{}-{:x}.php", one_of(words, random), random());
    std::string body = fmt::format("content:\"{}\";", name);
    if (i % 4 == 1) {
      body = "content:\"|";
      for (int byte = 0; byte < 6; ++byte) body += fmt::format(" {:02x}", random() & 255U);
      body += "|\";";
    } else if (i % 4 == 2) {
      body += fmt::format(" content:\"{}=\"; distance:0; within:120;", one_of(words, random));
    } else {
      rules[i].plain = name;
    }
    rules[i].sid = static_cast<unsigned>(1000001 + i);
    rules[i].text = fmt::format("alert tcp any any -> any any (msg:\"made up {}\"; {} sid:{}; rev:1;)\n", i,
                                body, rules[i].sid);
  }
  return rules;
}

std::string text_of(const std::vector<MadeUpRule>& rules) {
  std::string text;
  for (const MadeUpRule& rule : rules) text += rule.text;
  return text;
}

}  // namespace lockstep::bench
