// Random identifiers from libsodium.
#include "base/ids.hpp"

#include <sodium.h>

#include <stdexcept>

namespace base {

void random_bytes(std::span<std::uint8_t> bytes) {
    // Repeated calls return at once; the first one seeds the generator.
    if (sodium_init() < 0) throw std::runtime_error("libsodium can't be initialised");
    randombytes_buf(bytes.data(), bytes.size());
}

Id128 random_id() {
    Id128 id;
    random_bytes(id);
    return id;
}

std::string hex(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string random_hex_id() { return hex(random_id()); }

}  // namespace base
