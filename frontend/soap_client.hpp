// Calling others in SOAP: what the notification services send to applications.
#pragma once

#include "frontend/http/client.hpp"
#include "frontend/soap/envelope.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace frontend {

struct SoapClientOptions {
    http::ClientOptions http{};
    std::chrono::milliseconds timeout{10'000};   ///< for one try
    std::size_t tries = 3;                       ///< of a call that may be repeated
    std::chrono::milliseconds retry_pause{500};  ///< before the second try; doubled before each further one
};

/// One call of an operation that applications serve.
struct OutgoingCall {
    std::string url;
    soap::Endpoint endpoint;  ///< whose tables encode and decode
    const soap::OperationTable* operation = nullptr;
    soap::Message message;          ///< of the operation's request type
    std::string local_namespace{};  ///< to write in, of an unlisted minor version; empty: the endpoint's
    soap::SoapVersion soap = soap::SoapVersion::v1_1;
    std::optional<std::chrono::milliseconds> timeout{};  ///< for one try, in place of the client's
    std::string authorization{};                         ///< value of the Authorization header; empty: none
    bool repeat =
        true;  ///< try again after failures: what only tells may arrive twice, what asks is asked once
};

/// The application gave no answer that could be read.
struct Undelivered {
    std::string reason;        ///< for people
    bool maybe_done = false;   ///< the application may have acted on it
    bool not_allowed = false;  ///< by the rules of this server: trying later is no use
};
using CallResult = std::variant<soap::Message, soap::Fault, Undelivered>;

class SoapClient {
  public:
    /// `decoder` must outlive the client. Throws std::runtime_error when the authorities cannot be read.
    SoapClient(const soap::Decoder& decoder, SoapClientOptions options);

    /// Sends and waits for the response, or a fault of SOAP 1.1 or 1.2. Connections that fail, tries that
    /// take too long and answers 502, 503 and 504 without a fault are tried again as `repeat` says. Does not
    /// throw for what others do. Runs on the caller's io thread; see http::Client::post for what must outlive
    /// what.
    boost::asio::awaitable<CallResult> call(OutgoingCall call);

    /// What is wrong with a URL that an application wants to be called at; nothing: it will be tried.
    [[nodiscard]] std::optional<std::string> objection(std::string_view url) const {
        return http_.objection(url);
    }

  private:
    const soap::Decoder& decoder_;
    const SoapClientOptions options_;
    http::Client http_;
};

}  // namespace frontend
