# Language level, warnings, compiler cache: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers and __TIME__ would otherwise defeat the cache.
  # Relative paths let another checkout use what this one compiled.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(lockstep_options INTERFACE)
add_library(lockstep::options ALIAS lockstep_options)
target_include_directories(lockstep_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(lockstep_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -Wcast-align -Wformat=2 -Wimplicit-fallthrough -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlapping copies in std::string where there are none (its bug 105651).
  target_compile_options(lockstep_options INTERFACE -fpch-preprocess -Wno-restrict)
  # It would clear every small struct by `rep stos`, which takes some 30 cycles before it starts.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(lockstep_options INTERFACE
      $<$<CONFIG:Release>:-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign>)
  endif()
endif()
# What most files include, compiled once for a target; more follows its name. A file still includes what it uses: clang-tidy
# and the fuzzers' build know no precompiled headers.
function(lockstep_precompile target)
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <filesystem>
    <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <unordered_map> <vector>
    <fmt/format.h> ${ARGN})
endfunction()
# Files that the sanitizers' builds compile together (CMAKE_UNITY_BUILD): one's own names hide another's in vain.
if(CMAKE_UNITY_BUILD)
  target_compile_options(lockstep_options INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(LOCKSTEP_WARNINGS_AS_ERRORS)
  target_compile_options(lockstep_options INTERFACE -Werror)
endif()
