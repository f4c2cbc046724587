// The keyed hash.
#include "frontend/auth/credential_cache.hpp"

#include "base/ids.hpp"

#include <sodium.h>

namespace auth {

CredentialHasher::CredentialHasher() { base::random_bytes(key_); }

CredentialHash CredentialHasher::operator()(std::string_view credential) const {
    CredentialHash hash;
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(credential.data()),
                       credential.size(), key_.data(), key_.size());
    return hash;
}

}  // namespace auth
