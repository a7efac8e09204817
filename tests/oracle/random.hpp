// The oracle's scenarios are told by seeds.
#pragma once
#include "tests/support/random.hpp"

namespace lockstep::oracle {

using test::mixed;
using test::Random;

}  // namespace lockstep::oracle
