// TLS's files and rules: what a server proves itself with, and whose certificates it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct ssl_ctx_st;

namespace http {

/// Whether clients show a certificate.
enum class ClientCertificates : std::uint8_t {
    none,      ///< they are not asked
    optional,  ///< who shows one must show a valid one
    required,
};

struct TlsOptions {
    std::string certificate;  ///< PEM file: the server's certificate, then its chain
    std::string key;          ///< PEM file with its private key
    std::string client_ca;    ///< PEM file of those who sign clients' certificates
    ClientCertificates client_certificates = ClientCertificates::none;
};

/// One immutable set of certificates and rules: TLS 1.2 and later, no renegotiation, no compression.
/// Connections keep the one that they began with.
class TlsContext {
  public:
    /// For accepting. Throws std::runtime_error that names the file that is wrong.
    [[nodiscard]] static std::shared_ptr<const TlsContext> server(const TlsOptions& options);
    /// For connecting: the other side must have a certificate for its name, signed by one of `ca_file` (PEM;
    /// empty: those that the system trusts). Throws std::runtime_error.
    [[nodiscard]] static std::shared_ptr<const TlsContext> client(const std::string& ca_file);

    /// Why clients will refuse the certificate by its dates; empty: they will not.
    [[nodiscard]] std::string out_of_date() const;

    [[nodiscard]] ssl_ctx_st* native() const { return context_.get(); }

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit TlsContext(bool server);

    std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace http
