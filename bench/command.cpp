// Reads a pipe.
#include "bench/command.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace bench {

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    if (!pipe) throw std::runtime_error("can't run " + command);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
        text.append(buffer.data(), count);
    return text;
}

}  // namespace bench
