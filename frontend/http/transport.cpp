// TLS by OpenSSL over a non-blocking socket. Asio's own stream would make everything above it a template, and
// needs a buffer of 17 kB for every idle connection.
#include "frontend/http/transport.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <stdexcept>

namespace http {
namespace asio = boost::asio;

namespace {

/// What one record can carry (RFC 8446, 5.1).
constexpr std::size_t record_bytes_max = 16UL * 1024;

int descriptor(BIO* bio) { return *static_cast<int*>(BIO_get_data(bio)); }

bool may_retry() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL.

int bio_write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(descriptor(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && may_retry()) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto count = ::recv(descriptor(bio), bytes, static_cast<std::size_t>(size), 0);
    if (count < 0 && may_retry()) BIO_set_retry_read(bio);
    if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(count);
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
}

int bio_destroy(BIO* bio) {
    delete static_cast<int*>(BIO_get_data(bio));
    return 1;
}

BIO_METHOD* make_method() {
    auto* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_destroy(method, bio_destroy);
    return method;
}

BIO* make_bio(int socket) {
    static BIO_METHOD* const method = make_method();  // constant once made; OpenSSL has no constant form
    auto owned = std::make_unique<int>(socket);
    BIO* const bio = BIO_new(method);
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, owned.release());
    BIO_set_init(bio, 1);
    return bio;
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += digits[digest[i] >> 4U];
        text += digits[digest[i] & 15U];
    }
    return text;
}

std::string subject_of(const X509* certificate) {
    const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new(BIO_s_mem()), BIO_free);
    if (!memory) throw std::bad_alloc();
    X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate), 0,
                       XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    char* text = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

void Transport::Free::operator()(ssl_st* tls) const { SSL_free(tls); }

Transport::~Transport() { say_goodbye(); }

void Transport::start_tls(std::shared_ptr<const TlsContext> context) {
    context_ = std::move(context);
    tls_.reset(SSL_new(context_->native()));
    if (!tls_) throw std::bad_alloc();
    auto* const bio = make_bio(socket_.native_handle());
    SSL_set_bio(tls_.get(), bio, bio);
}

void Transport::accept_tls(std::shared_ptr<const TlsContext> context) {
    start_tls(std::move(context));
    SSL_set_accept_state(tls_.get());
}

void Transport::connect_tls(std::shared_ptr<const TlsContext> context, const std::string& host) {
    start_tls(std::move(context));
    boost::system::error_code no_address;
    asio::ip::make_address(host, no_address);
    if (no_address) {
        SSL_set_tlsext_host_name(tls_.get(), host.c_str());
        SSL_set_hostflags(tls_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(tls_.get(), host.c_str()) != 1) throw std::bad_alloc();
    } else if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), host.c_str()) != 1) {
        throw std::runtime_error("no address that a certificate can name: " + host);
    }
    SSL_set_connect_state(tls_.get());
}

std::size_t Transport::read_some(std::span<char> into, error_code& ec) {
    wanted_ = Socket::wait_read;
    if (!tls_) return socket_.read_some(asio::buffer(into.data(), into.size()), ec);
    ERR_clear_error();
    return finish(SSL_read(tls_.get(), into.data(), static_cast<int>(into.size())), ec);
}

std::size_t Transport::write_some(std::string_view head, std::string_view body, error_code& ec) {
    wanted_ = Socket::wait_write;
    if (!tls_) {
        const std::array buffers{asio::buffer(head), asio::buffer(body)};
        return socket_.write_some(buffers, ec);
    }
    std::string_view bytes = head.empty() ? body : head;
    if (!head.empty() && !body.empty() && head.size() < record_bytes_max) {
        record_.assign(head).append(body.substr(0, record_bytes_max - head.size()));
        bytes = record_;
    }
    bytes = bytes.substr(0, record_bytes_max);
    if (bytes.empty()) return 0;
    ERR_clear_error();
    return finish(SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())), ec);
}

/// What became of a call of OpenSSL.
std::size_t Transport::finish(int result, error_code& ec) {
    ec = {};
    if (result > 0) return static_cast<std::size_t>(result);
    const int system_error = errno;
    switch (SSL_get_error(tls_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            wanted_ = Socket::wait_read;
            ec = asio::error::would_block;
            return 0;
        case SSL_ERROR_WANT_WRITE:
            wanted_ = Socket::wait_write;
            ec = asio::error::would_block;
            return 0;
        case SSL_ERROR_ZERO_RETURN:
            ec = asio::error::eof;
            return 0;
        case SSL_ERROR_SYSCALL:
            ec = system_error != 0 ? error_code(system_error, boost::system::system_category())
                                   : error_code(asio::error::eof);
            break;
        default: {
            const char* const reason = ERR_reason_error_string(ERR_peek_error());
            failure_ = reason != nullptr ? reason : "TLS failed";
            const long verified = SSL_get_verify_result(tls_.get());
            if (verified != X509_V_OK)
                failure_ += std::string(": ") + X509_verify_cert_error_string(verified);
            ec = asio::error::no_protocol_option;
        }
    }
    broken_ = true;
    ERR_clear_error();
    return 0;
}

bool Transport::handshaking() const { return tls_ && SSL_is_init_finished(tls_.get()) == 0; }

std::optional<PeerCertificate> Transport::peer_certificate() const {
    if (!tls_ || SSL_get_verify_result(tls_.get()) != X509_V_OK) return std::nullopt;
    const X509* const certificate = SSL_get0_peer_certificate(tls_.get());
    if (certificate == nullptr) return std::nullopt;
    return PeerCertificate{fingerprint_of(certificate), subject_of(certificate)};
}

void Transport::shutdown_send() {
    say_goodbye();
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Transport::say_goodbye() {
    if (!tls_ || broken_ || handshaking() || !socket_.is_open()) return;
    broken_ = true;
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
}

}  // namespace http
