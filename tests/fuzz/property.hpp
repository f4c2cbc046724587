// What the fuzzers share: properties that hold for any input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fuzz {

/// Ends the program, which is how libFuzzer learns of a find, when `holds` is false. `property`: what ought
/// to hold.
inline void require(bool holds, const char* property) {
    if (holds) return;
    (void)std::fprintf(stderr, "does not hold: %s\n", property);
    std::abort();
}

}  // namespace fuzz
