// The superuser's powers that a thread keeps. They are a thread's own: what is said of "this thread" holds
// for those that it starts later, not for those that are there already. See capabilities(7).
#pragma once
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace lockstep {

// This thread keeps those of `numbers` (CAP_*, linux/capability.h) that it has, as permitted and effective.
// None is inheritable or ambient, and no program that it executes gets any (bounding set,
// PR_SET_NO_NEW_PRIVS). The error is for the user.
[[nodiscard]] tl::expected<void, std::string> keep_capabilities(const std::vector<unsigned>& numbers);

// Whether this thread may access `path` (R_OK, W_OK, X_OK) by its owner and mode alone, without the
// capabilities that override these.
[[nodiscard]] bool may_access(const std::string& path, int mode);

}  // namespace lockstep
