// Calling others in SOAP: what the notification services send to applications.
#pragma once

#include "frontend/http/client.hpp"
#include "frontend/soap/envelope.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace frontend {

/// One call of an operation that applications serve.
struct OutgoingCall {
    std::string url;
    soap::Endpoint endpoint;  ///< whose tables encode and decode
    const soap::OperationTable* operation = nullptr;
    soap::Message message;          ///< of the operation's request type
    std::string local_namespace{};  ///< to write in, of an unlisted minor version; empty: the endpoint's
    soap::SoapVersion soap = soap::SoapVersion::v1_1;
    std::chrono::milliseconds timeout{10'000};
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
    SoapClient(const soap::Decoder& decoder, http::ClientOptions options);

    /// Sends and waits for the response, or a fault of SOAP 1.1 or 1.2. Whether and when it is tried again is
    /// the caller's affair. Does not throw, not for want of a thread or memory either: callers count what is
    /// under way. Runs on the caller's io thread; see http::Client::post for what must outlive what.
    boost::asio::awaitable<CallResult> call(OutgoingCall call);

    /// What is wrong with a URL that an application wants to be called at; nothing: it will be tried.
    [[nodiscard]] std::optional<std::string> objection(std::string_view url) const {
        return http_.objection(url);
    }

  private:
    boost::asio::awaitable<CallResult> exchange(OutgoingCall call);

    const soap::Decoder& decoder_;
    http::Client http_;
};

}  // namespace frontend
