# What every target shares: warnings, sanitizers, ccache, include root.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Relative paths, so that clones in different folders share what they compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER /usr/bin/env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE_PROGRAM})
endif()

add_library(ledgerline_options INTERFACE)
target_include_directories(ledgerline_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ledgerline_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in `"literal" + std::string` where there are none (GCC bug 105651).
  target_compile_options(ledgerline_options INTERFACE -Wno-restrict)
endif()
if(LEDGERLINE_WERROR)
  target_compile_options(ledgerline_options INTERFACE -Werror)
endif()
if(LEDGERLINE_SANITIZE)
  # What is only reported, and goes on, fails no test.
  target_compile_options(ledgerline_options INTERFACE -fsanitize=${LEDGERLINE_SANITIZE} -fno-sanitize-recover=all
                                                      -fno-omit-frame-pointer)
  target_link_options(ledgerline_options INTERFACE -fsanitize=${LEDGERLINE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Inlined otherwise than usual, Asio's own new and delete of coroutine frames look like a mismatched pair, and
    # Boost's optional looks uninitialised.
    target_compile_options(ledgerline_options INTERFACE -Wno-mismatched-new-delete -Wno-maybe-uninitialized)
  endif()
  if(LEDGERLINE_SANITIZE MATCHES thread)
    # Asio's fences are known to it.
    target_compile_options(ledgerline_options INTERFACE -Wno-tsan)
  endif()
endif()

# ledgerline_library(NAME SOURCES... ) makes the one library of a top-level folder.
function(ledgerline_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC ledgerline_options)
endfunction()
