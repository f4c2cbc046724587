// What SOAP clients for people share: which server is asked, and as whom.
#pragma once

#include "app/http_client.hpp"
#include "frontend/soap/fault.hpp"
#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace app {

/// Who is asked, and as whom.
struct Access {
    std::string url, user, password;
};

struct ClientOptions {
    std::string url;  ///< empty: the server of the data directory
    std::string user;
    std::string password_file;
    std::filesystem::path data_dir;
    std::string key;          ///< the Idempotency-Key of requests that have no reference
    bool repeatable = false;  ///< the request has a reference: hints say that it can be sent again
    mutable std::optional<Access> access{};  ///< once it was found: a command may ask often, a person once
};

/// What a server answered: the operation's response, or a fault.
struct SoapAnswer {
    soap::Message message;
    bool replayed = false;  ///< it was done before under the same key
    std::optional<soap::Fault> fault;
};

/// Asks for one operation. Throws PlainError when nobody could be asked, the password was not accepted, or
/// the answer makes no sense.
[[nodiscard]] SoapAnswer ask(const ClientOptions& options, const soap::Endpoint& endpoint,
                             std::string_view operation, const soap::Message& message);

/// Says on standard error that the operation was refused; the exit status.
int refused(std::string_view what, const soap::Fault& fault);

/// Says that a request with a reference was done, now or before; the exit status.
int done(std::string_view sentence, bool replayed);

/// What became of the requests under a reference, in JSON (frontend/request_status.hpp). Throws as ask()
/// does.
[[nodiscard]] HttpReply ask_status(const ClientOptions& options, const std::string& reference,
                                   const std::string& address);

/// A GET of this path. Throws as ask() does.
[[nodiscard]] HttpReply get(const ClientOptions& options, std::string path);

}  // namespace app
