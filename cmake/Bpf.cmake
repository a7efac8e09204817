# BPF objects, and the skeletons that carry them into a program.
find_program(LOCKSTEP_BPF_CLANG NAMES clang REQUIRED)
find_program(LOCKSTEP_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)

# lockstep_skeleton(TARGET NAME DEPENDS...): <NAME.skel.h>, made of NAME.bpf.c, may be included by TARGET; its
# object is called NAME_bpf.
function(lockstep_skeleton target name)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/skeleton/${name}.skel.h)
  add_custom_command(OUTPUT ${object}
    COMMAND ${LOCKSTEP_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
      -fdebug-prefix-map=${CMAKE_SOURCE_DIR}=. -I${CMAKE_SOURCE_DIR} -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
      -c ${CMAKE_CURRENT_SOURCE_DIR}/${name}.bpf.c -o ${object}
    DEPENDS ${name}.bpf.c ${ARGN} VERBATIM)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/skeleton
    COMMAND sh -c "{ echo // NOLINTBEGIN && \"$1\" gen skeleton \"$2\" name \"$3\" && echo // NOLINTEND; } > \"$4\"" - ${LOCKSTEP_BPFTOOL} ${object} ${name}_bpf ${skeleton}
    DEPENDS ${object} VERBATIM)
  # One target for those of all, which clang-tidy needs before anything is built.
  add_custom_target(${target}_skeleton DEPENDS ${skeleton})
  if(NOT TARGET skeletons)
    add_custom_target(skeletons)
  endif()
  add_dependencies(skeletons ${target}_skeleton)
  add_dependencies(${target} ${target}_skeleton)
  target_sources(${target} PRIVATE ${skeleton})
  target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/skeleton)
endfunction()
