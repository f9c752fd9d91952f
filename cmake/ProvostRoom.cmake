# provost_room(NAME SOURCES a.cpp ... [TESTS a_test.cpp ...] [ROOMS lower ...] [LINKS lib ...] [TEST_LINKS lib ...])
# One static library a room; ROOMS are the only rooms whose headers it may include (tools/tidy
# checks that each stands on a lower level). TESTS become one program, NAME_test.
function(provost_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;TESTS;ROOMS;LINKS;TEST_LINKS" ${ARGN})
  if(ROOM_SOURCES)
    add_library(provost_${name} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(provost_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(provost_${name} ${scope} provost_flags ${ROOM_LINKS})
  foreach(lower IN LISTS ROOM_ROOMS)
    target_link_libraries(provost_${name} ${scope} provost_${lower})
  endforeach()
  if(PROVOST_TESTS AND ROOM_TESTS)
    add_executable(${name}_test ${ROOM_TESTS})
    target_link_libraries(${name}_test PRIVATE provost_${name} ${ROOM_TEST_LINKS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE
      PROVOST_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TESTDATA="${CMAKE_CURRENT_SOURCE_DIR}/testdata")
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()

# A program that nodes are given: they run another Debian release than the host, so that it brings
# all but libc and OpenSSL itself.
function(provost_for_nodes program)
  target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # clang links its sanitizers statically by itself
  elseif(PROVOST_SANITIZE MATCHES "address")
    target_link_options(${program} PRIVATE -static-libasan -static-libubsan)
  elseif(PROVOST_SANITIZE MATCHES "thread")
    target_link_options(${program} PRIVATE -static-libtsan)
  endif()
endfunction()
