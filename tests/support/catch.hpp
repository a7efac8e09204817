// The one include of the test framework, so that another version costs one line.
#pragma once
#include <catch2/catch.hpp>
