// Random codes from the system's generator, hashes by libsodium.
#include "ledger/voucher_code.hpp"

#include "base/ids.hpp"

#include <sodium.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace ledger {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t code_length = 20;
constexpr std::size_t group_length = 4;

std::string sha256(std::string_view text) {
    std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return base::hex(hash);
}

}  // namespace

std::string random_voucher_code() {
    std::array<std::uint8_t, code_length> bytes{};
    base::random_bytes(bytes);
    std::string code;
    for (std::size_t i = 0; i < code_length; ++i) {
        if (i > 0 && i % group_length == 0) code += '-';
        code += alphabet[bytes.at(i) % alphabet.size()];  // 256 is a multiple of 32: no bias
    }
    return code;
}

std::string random_voucher_pin(int digits) {
    std::string pin;
    std::array<std::uint8_t, 1> byte{};
    while (pin.size() < static_cast<std::size_t>(digits)) {
        base::random_bytes(byte);
        if (byte[0] < 250) pin += static_cast<char>('0' + byte[0] % 10);  // 250 … 255 would favour 0 to 5
    }
    return pin;
}

std::string normal_voucher_code(std::string_view text) {
    std::string code;
    for (const char c : text) {
        if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        code += upper == 'O' ? '0' : upper == 'I' || upper == 'L' ? '1' : upper;
    }
    return code;
}

std::string voucher_mask(std::string_view code) {
    const auto normal = normal_voucher_code(code);
    return normal.size() < code_length ? std::string() : normal.substr(normal.size() - group_length);
}

std::string voucher_hash(std::string_view code) { return sha256(normal_voucher_code(code)); }

std::string voucher_pin_hash(std::string_view code, std::string_view pin) {
    return sha256(normal_voucher_code(code) + ' ' + std::string(pin));
}

}  // namespace ledger
