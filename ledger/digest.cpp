// Digests by libsodium's BLAKE2b.
#include "ledger/digest.hpp"

#include <sodium.h>

namespace ledger {

void Fields::add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    bytes_ += text;
}

void Fields::add(std::int64_t number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void Fields::add(const base::Id128& digest) {
    add(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

base::Id128 Fields::digest() const {
    base::Id128 result{};
    crypto_generichash(result.data(), result.size(), reinterpret_cast<const unsigned char*>(bytes_.data()),
                       bytes_.size(), nullptr, 0);
    return result;
}

}  // namespace ledger
