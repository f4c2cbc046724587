// Runs every part a fixed number of times between callgrind's marks, so that its instructions can be counted:
// tests/instructions.py runs this under valgrind. Without it, it only shows that the parts work.
#include "bench/parts.hpp"

#include <valgrind/callgrind.h>

#include <cstdlib>
#include <exception>
#include <iostream>

int main() {
    // So often that what happens once in many requests counts, too; a multiple of a batch.
    constexpr int times = 640;
    try {
        for (const auto& part : bench::make_parts()) {
            for (int i = 0; i < times; ++i) part.run();  // caches and buffers get warm
            CALLGRIND_START_INSTRUMENTATION;
            CALLGRIND_ZERO_STATS;
            for (int i = 0; i < times; ++i) part.run();
            CALLGRIND_DUMP_STATS_AT(part.name.c_str());
            CALLGRIND_STOP_INSTRUMENTATION;
            std::cout << part.name << ' ' << times << std::endl;
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
