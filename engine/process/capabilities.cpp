#include "engine/process/capabilities.hpp"

#include <cerrno>
#include <cstring>

#include <cap-ng.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace lockstep {
namespace {

tl::unexpected<std::string> problem(const char* what) {
  return tl::unexpected(
      fmt::format("capabilities: {}: {}", what, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
}

constexpr auto in_use = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);

}  // namespace

tl::expected<void, std::string> keep_capabilities(const std::vector<unsigned>& numbers) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return problem("no new privileges");
  if (capng_get_caps_process() != 0) return problem("this process's");
  std::vector<unsigned> kept;
  for (const unsigned number : numbers)
    if (capng_have_capability(CAPNG_PERMITTED, number) != 0) kept.push_back(number);
  // Without it the bounding set stays; nothing that is executed gains by that, see above.
  const bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
  capng_clear(CAPNG_SELECT_ALL);
  for (const unsigned number : kept) {
    if (capng_update(CAPNG_ADD, static_cast<capng_type_t>(in_use | CAPNG_BOUNDING_SET), number) != 0)
      return problem("those to keep");
  }
  if (bounds && capng_apply(CAPNG_SELECT_BOUNDS) != 0) return problem("the bounding set");
  if (capng_apply(static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT)) != 0)
    return problem("permitted and effective");
  return {};
}

bool may_access(const std::string& path, int mode) {
  if (capng_get_caps_process() != 0) return false;
  void* const before = capng_save_state();
  capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, -1);
  bool may = capng_apply(CAPNG_SELECT_CAPS) == 0;
  may = may && ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
  void* state = before;
  capng_restore_state(&state);
  return capng_apply(CAPNG_SELECT_CAPS) == 0 && may;
}

}  // namespace lockstep
