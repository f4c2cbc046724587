// OpenSSL contexts.
#include "frontend/http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdexcept>
#include <string_view>

namespace http {
namespace {

/// The oldest error of this thread's queue in words; the queue is empty afterwards.
std::string openssl_reason() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "cannot be read";
}

void check(bool done, std::string_view what, const std::string& file) {
    if (done) return;
    throw std::runtime_error(std::string(what) + " '" + file + "': " + openssl_reason());
}

/// OpenSSL asks on the terminal by itself, and a server would hang there, deaf to every signal: nobody is
/// asked.
int no_passphrase(char*, int, int, void* wanted) {
    *static_cast<bool*>(wanted) = true;
    return -1;
}

void use_key(SSL_CTX* context, const std::string& file) {
    bool wants_passphrase = false;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &wants_passphrase);
    const bool used = SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    if (wants_passphrase)
        throw std::runtime_error("the private key '" + file +
                                 "' is encrypted; write it without a passphrase");
    check(used, "the private key", file);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

TlsContext::TlsContext(bool server)
    : context_(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) {
    if (!context_) throw std::runtime_error("OpenSSL gives no context");
    auto* const context = native();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    // TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325, 4.2).
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
}

std::shared_ptr<const TlsContext> TlsContext::server(const TlsOptions& options) {
    const std::shared_ptr<TlsContext> result(new TlsContext(true));
    auto* const context = result->native();
    ERR_clear_error();
    check(SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) == 1, "the certificate",
          options.certificate);
    use_key(context, options.key);
    check(SSL_CTX_check_private_key(context) == 1,
          "the private key does not fit the certificate:", options.key);
    if (options.client_certificates == ClientCertificates::none) return result;

    check(SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) == 1,
          "the authorities of clients", options.client_ca);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.client_ca.c_str()));
    const bool required = options.client_certificates == ClientCertificates::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    // Sessions are resumed with the certificate that they began with; they must name whose they are.
    constexpr std::string_view session_context = "ledgerline";
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_context.data()),
                                   session_context.size());
    return result;
}

std::string TlsContext::out_of_date() const {
    const X509* const certificate = SSL_CTX_get0_certificate(native());
    if (certificate == nullptr) return {};
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) return "the certificate has expired";
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return "the certificate is not valid yet";
    return {};
}

std::shared_ptr<const TlsContext> TlsContext::client(const std::string& ca_file) {
    const std::shared_ptr<TlsContext> result(new TlsContext(false));
    auto* const context = result->native();
    ERR_clear_error();
    if (ca_file.empty()) {
        check(SSL_CTX_set_default_verify_paths(context) == 1, "the system's authorities", "");
    } else {
        check(SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1, "the authorities",
              ca_file);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return result;
}

}  // namespace http
