// libsodium for boxes, OpenSSL for the digests that old schemes are made of.
#include "frontend/auth/secrets.hpp"

#include "base/ids.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace auth {
namespace {

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes(text.size() / 2, '\0');
    std::size_t size = 0;
    const auto status = sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                                       text.data(), text.size(), nullptr, &size, nullptr);
    if (status != 0 || text.size() % 2 != 0 || size != bytes.size()) return std::nullopt;
    return bytes;
}

std::string to_hex(std::string_view bytes) {
    std::string hex(bytes.size() * 2 + 1, '\0');
    sodium_bin2hex(hex.data(), hex.size(), bytes_of(bytes), bytes.size());
    hex.pop_back();
    return hex;
}

std::string digest(const EVP_MD* algorithm, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), result.data(), &size, algorithm, nullptr) != 1) {
        throw std::runtime_error("OpenSSL does not provide a digest that is asked for");
    }
    return {reinterpret_cast<const char*>(result.data()), size};
}

std::string failed(const std::string& what, const std::string& path) {
    return "the key file " + path + " can't be " + what + ": " + std::strerror(errno);
}

/// Made whole or not at all, under a name of its own first: whoever starts at the same time reads no half
/// key. An existing file is never overwritten, as every secret hangs on it.
void make_key_file(const std::string& path) {
    std::array<std::uint8_t, 32> key{};
    base::random_bytes(key);
    const auto text = base::hex(key) + '\n';
    auto draft = path + ".XXXXXX";
    const int file = ::mkostemp(draft.data(), O_CLOEXEC);  // readable for its owner only
    if (file < 0) throw std::runtime_error(failed("made", path));
    const bool written =
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
    ::close(file);
    const bool kept = written && (::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST);
    const auto trouble = kept ? std::string() : failed("written", path);
    ::unlink(draft.c_str());
    if (!kept) throw std::runtime_error(trouble);
}

}  // namespace

SecretBox SecretBox::from_file(const std::string& path, bool create) {
    if (sodium_init() < 0) throw std::runtime_error("libsodium can't be initialised");
    int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT && create) {
        make_key_file(path);
        file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (file < 0) throw std::runtime_error(failed("read", path));
    std::array<char, 65> text{};
    const auto size = ::read(file, text.data(), text.size());
    ::close(file);
    const auto key = size >= 64 ? from_hex({text.data(), 64}) : std::nullopt;
    if (!key) throw std::runtime_error("the key file " + path + " does not hold 64 hex digits");
    std::array<std::uint8_t, 32> bytes{};
    std::memcpy(bytes.data(), key->data(), bytes.size());
    return SecretBox(bytes);
}

SecretBox SecretBox::derived(std::string_view purpose) const {
    std::array<std::uint8_t, 32> key{};
    crypto_generichash(key.data(), key.size(), bytes_of(purpose), purpose.size(), key_.data(), key_.size());
    return SecretBox(key);
}

std::string SecretBox::seal(std::string_view secret) const {
    std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + secret.size(), '\0');
    auto* out = reinterpret_cast<unsigned char*>(box.data());
    randombytes_buf(out, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, bytes_of(secret), secret.size(), out,
                          key_.data());
    return to_hex(box);
}

std::optional<std::string> SecretBox::open(std::string_view sealed) const {
    const auto box = from_hex(sealed);
    constexpr std::size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (!box || box->size() < overhead) return std::nullopt;
    std::string secret(box->size() - overhead, '\0');
    const auto* in = bytes_of(*box);
    if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(secret.data()),
                                   in + crypto_secretbox_NONCEBYTES,
                                   box->size() - crypto_secretbox_NONCEBYTES, in, key_.data()) != 0) {
        return std::nullopt;
    }
    return secret;
}

std::string md5_hex(std::string_view text) { return to_hex(digest(EVP_md5(), text)); }
std::string sha256_hex(std::string_view text) { return to_hex(digest(EVP_sha256(), text)); }
std::string sha1(std::string_view text) { return digest(EVP_sha1(), text); }

std::string encode_base64(std::string_view bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();
    return text;
}

bool equal_secretly(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace auth
