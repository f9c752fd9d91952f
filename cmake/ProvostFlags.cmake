# Every compile flag of the project, in one INTERFACE target that all rooms link.
add_library(provost_flags INTERFACE)

target_compile_options(provost_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wswitch-enum -Wnon-virtual-dtor -Wunused
  -Wcast-align -Woverloaded-virtual -Werror
  # Designated initialisers leave members to their defaults on purpose.
  -Wno-missing-field-initializers)
target_compile_definitions(provost_flags INTERFACE
  _GLIBCXX_ASSERTIONS SPDLOG_FMT_EXTERNAL
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  PROVOST_VERSION="${PROJECT_VERSION}")
target_include_directories(provost_flags INTERFACE "${CMAKE_SOURCE_DIR}/src")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives of these two in the standard library and Boost at -O2.
  target_compile_options(provost_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PROVOST_SANITIZE)
  target_compile_definitions(provost_flags INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(provost_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(PROVOST_SANITIZE)
  target_compile_options(provost_flags INTERFACE
    -fsanitize=${PROVOST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(provost_flags INTERFACE -fsanitize=${PROVOST_SANITIZE})
  if(PROVOST_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(provost_flags INTERFACE -Wno-error=tsan)
  endif()
endif()

find_program(PROVOST_CCACHE ccache)
if(PROVOST_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${PROVOST_CCACHE}")
endif()
find_program(PROVOST_MOLD mold)
if(PROVOST_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT PROVOST_SANITIZE)
  target_link_options(provost_flags INTERFACE -fuse-ld=mold)
endif()
