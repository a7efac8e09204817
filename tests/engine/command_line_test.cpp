#include "engine/cli/command_line.hpp"

#include "engine/cli/help.hpp"
#include "engine/reason.hpp"
#include "tests/engine/program.hpp"
#include "tests/support/catch.hpp"

using namespace lockstep;
using test::run_lockstep;

namespace {

// As help and manual show it: blanks and line ends alike, no markup.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] == '&') ++i;
      continue;
    }
    const char c = text[i] == '\n' ? ' ' : text[i];
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

bool mentions(std::string_view text, std::string_view part) {
  return plain(text).find(plain(part)) != std::string::npos;
}

}  // namespace

TEST_CASE("every option stands in the help of its commands and in lockstep(8)", "[engine][cli][help]") {
  const std::string manual = program_manual();
  for (const CommandRow& command : command_table()) {
    CHECK(mentions(program_help(), command.summary));
    CHECK(mentions(manual, command.text));
    for (const Option& option : option_table()) {
      if (!option.valid_in(command.command)) continue;
      INFO(command.name << " " << option.flags);
      CHECK(mentions(command_help(command), spelling(option)));
      CHECK(mentions(command_help(command), option.text));
      CHECK(mentions(manual, spelling(option)));
      CHECK(mentions(manual, option.text));
    }
  }
}

TEST_CASE("every key stands in help config and in lockstep.toml(5), with range and default",
          "[engine][cli][help]") {
  for (const Option& option : option_table()) {
    if (option.key.empty()) continue;
    INFO(option.key);
    for (const std::string& page : {config_help(), config_manual()}) {
      CHECK(mentions(page, option.key));
      CHECK(mentions(page, option.text));
      CHECK(mentions(page, bounds(option)));
    }
  }
}

TEST_CASE("every reason has its entry in lockstep(8)", "[engine][cli][help][reason]") {
  const std::string manual = program_manual();
  for (std::size_t i = 1; i < reason_count; ++i) {
    INFO(name(static_cast<Reason>(i)));
    CHECK(mentions(manual, name(static_cast<Reason>(i))));
    CHECK(mentions(manual, text(static_cast<Reason>(i))));
  }
}

TEST_CASE("help keeps to 80 columns", "[engine][cli][help]") {
  std::string all = program_help() + config_help();
  for (const CommandRow& command : command_table()) all += command_help(command);
  std::size_t start = 0;
  for (auto end = all.find('\n'); end != std::string::npos; start = end + 1, end = all.find('\n', start)) {
    INFO(all.substr(start, end - start));
    CHECK(end - start <= 80);
  }
}

TEST_CASE("the default is weaker than the file, the file than --set, --set than an option", "[engine][cli]") {
  const test::Directory dir;
  const std::string file =
      dir.write("l.toml", "mode = \"observe\"\nrules.files = [\"x\"]\nflow.max-flows = 20\n");
  const auto settings = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "check");
    const auto line = parse_command_line(arguments);
    REQUIRE(line);
    const auto configuration = configure(*line);
    REQUIRE(configuration);
    return *configuration;
  };
  CHECK(settings({}).invocation.settings.mode == Mode::enforce);
  CHECK(settings({"-c", file}).invocation.settings.mode == Mode::observe);
  CHECK(settings({"--set", "mode=enforce", "-c", file}).invocation.settings.mode == Mode::enforce);
  const auto last =
      settings({"--mode", "observe", "--set", "mode=enforce", "-c", file, "-S", "y", "-S", "z"});
  CHECK(last.invocation.settings.mode == Mode::observe);
  CHECK(last.invocation.settings.rules.files == std::vector<std::string>{"y", "z"});
  CHECK(to_string(last.origin("mode")) == "--mode");
  CHECK(to_string(last.origin("rules.files")) == "-S");
  CHECK(to_string(last.origin("flow.max-flows")) == file + ":3");
  CHECK(settings({"--drop", "1,2", "--drop", "3"}).invocation.settings.rules.drop ==
        std::vector<std::string>{"1", "2", "3"});
  CHECK(settings({"-vv"}).invocation.verbosity == 2);
  CHECK(settings({"--set=mode=observe"}).invocation.settings.mode == Mode::observe);
}

TEST_CASE("what runs an engine, or speaks with one, reads the standard file if none is named",
          "[engine][cli]") {
  const test::Directory dir;
  const std::string standard = dir.write("lockstep.toml", "mode = \"observe\"\n");
  const std::string named = dir.write("named.toml", "");
  const auto mode = [&](const std::vector<std::string>& arguments, const std::string& at) {
    const auto line = parse_command_line(arguments);
    REQUIRE(line);
    const auto configuration = configure(*line, at);
    REQUIRE(configuration);
    const auto again = configuration->again();
    REQUIRE(again);
    CHECK(again->invocation.config_file == configuration->invocation.config_file);
    CHECK(again->invocation.settings.mode == configuration->invocation.settings.mode);
    return configuration->invocation.settings.mode;
  };
  for (const char* command : {"run", "detach", "ctl", "doctor"})
    CHECK(mode({command}, standard) == Mode::observe);
  for (const char* command : {"replay", "check"}) CHECK(mode({command}, standard) == Mode::enforce);
  CHECK(mode({"run", "-c", named}, standard) == Mode::enforce);
  CHECK(mode({"run", "--mode", "enforce"}, standard) == Mode::enforce);
  CHECK(mode({"run"}, dir.path("nothing")) == Mode::enforce);

  // What is wrong in it is told as of any other, and help goes without it.
  dir.write("lockstep.toml", "mode = \n");
  const auto line = parse_command_line({"run"});
  const auto refused = configure(*line, standard);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains(standard + ":1"));
  CHECK(mode({"run", "--help"}, standard) == Mode::enforce);

  // A file that comes later is not read by a reload: what a run reads is settled at its start.
  const auto early = configure(*line, dir.path("late.toml"));
  dir.write("late.toml", "mode = \"observe\"\n");
  CHECK(early->again()->invocation.settings.mode == Mode::enforce);
}

TEST_CASE("captures may be any number, with options between them", "[engine][cli]") {
  const auto line = parse_command_line({"replay", "a.pcap", "b.pcap", "-k", "none", "c.pcap", "-"});
  REQUIRE(line);
  const auto configuration = configure(*line);
  REQUIRE(configuration);
  CHECK(configuration->invocation.replay.inputs ==
        std::vector<std::string>{"a.pcap", "b.pcap", "c.pcap", "-"});
}

TEST_CASE("wrong usage is exit 2 and says what was probably meant", "[engine][cli]") {
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& part) {
    const auto outcome = run_lockstep(arguments);
    INFO(outcome.err);
    CHECK(outcome.code == exit_usage);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::StartsWith("lockstep: ") && Catch::Contains(part));
  };
  refused({}, "no command");
  refused({"chekc"}, "unknown command 'chekc'; did you mean 'check'?");
  refused({"check", "--stricd"}, "unknown option '--stricd'; did you mean '--strict'?");
  refused({"check", "a.rules"}, "unexpected argument 'a.rules'");
  refused({"check", "-S"}, "--rules: needs an argument");
  refused({"check", "--mode", "x"}, "--mode: 'x' is not enforce or observe");
  refused({"check", "--mode", "enforce", "--mode", "observe"}, "--mode: given more than once");
  refused({"check", "--set", "x=1"}, "--set: unknown key 'x'");
  refused({"check", "--set", "flow.max-flows=x"}, "--set: flow.max-flows: 'x' is not an integer");
  refused({"check", "--drop", "some"}, "--drop: 'some' is not all, a sid or classtype:NAME");
  refused({"help", "chekc"}, "did you mean 'check'?");
  refused({"--verison"}, "did you mean '--version'?");
}

TEST_CASE("a bad config file is exit 1 and names file, line and column", "[engine][cli]") {
  const test::Directory dir;
  const std::string file = dir.write("l.toml", "mode = 3\n");
  auto outcome = run_lockstep({"check", "-c", file});
  CHECK(outcome.code == exit_bad_input);
  CHECK(outcome.err == file + ":1:8: mode is a string, not an integer\n  mode = 3\n         ^\n");
  outcome = run_lockstep({"check", "-c", dir.path("none.toml")});
  CHECK(outcome.code == exit_bad_input);
  CHECK_THAT(outcome.err,
             Catch::Contains("none.toml: can't be read: No such file or directory; check the path"));
}

TEST_CASE("help and version go to standard output with exit 0", "[engine][cli]") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"-h"},
                                                    {"--help"},
                                                    {"help"},
                                                    {"help", "config"},
                                                    {"check", "--help"},
                                                    {"help", "check"},
                                                    {"-V"},
                                                    {"--version"},
                                                    {"version"}}) {
    const auto outcome = run_lockstep(arguments);
    CHECK(outcome.code == exit_ok);
    CHECK(outcome.err.empty());
    CHECK_THAT(outcome.out, Catch::Contains("ockstep"));
  }
  CHECK_THAT(run_lockstep({"-V"}).out, Catch::StartsWith("Lockstep 0."));
}
