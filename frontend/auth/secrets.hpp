// Recoverable secrets, encrypted under a key that is a file and never in the database. Schemes that must know
// the secret itself (Digest, PasswordDigest, spPassword, SIP) use them; passwords stay argon2id.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

/// Seals and opens secrets (libsodium secretbox: XSalsa20 and Poly1305). Thread-safe.
class SecretBox {
  public:
    /// Reads the key file: 64 hex digits. Makes it, readable for its owner only, when it does not exist and
    /// `create` is set. Throws std::runtime_error that names the file.
    static SecretBox from_file(const std::string& path, bool create);
    explicit SecretBox(const std::array<std::uint8_t, 32>& key) : key_(key) {}

    /// A box for one purpose: what is sealed for another, e.g. a user's secret in the database, does not open
    /// in it.
    [[nodiscard]] SecretBox derived(std::string_view purpose) const;

    /// A random nonce and the box, in hex, as the database keeps them.
    [[nodiscard]] std::string seal(std::string_view secret) const;
    /// Nothing when it was sealed under another key, or changed.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed) const;

  private:
    std::array<std::uint8_t, 32> key_;
};

/// Lower-case hex of a digest.
[[nodiscard]] std::string md5_hex(std::string_view text);
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// The 20 bytes of SHA-1, for PasswordDigest.
[[nodiscard]] std::string sha1(std::string_view text);
/// RFC 4648, padded.
[[nodiscard]] std::string encode_base64(std::string_view bytes);
/// Takes the same time wherever they differ.
[[nodiscard]] bool equal_secretly(std::string_view a, std::string_view b);

}  // namespace auth
