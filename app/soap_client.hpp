// What SOAP clients for people share: which server is asked, and as whom.
#pragma once

#include "app/http_client.hpp"

#include <filesystem>
#include <string>

namespace app {

struct ClientOptions {
    std::string url;  ///< empty: the server of the data directory
    std::string user;
    std::string password_file;
    std::filesystem::path data_dir;
};

/// Sends an envelope to the server, as that user. Throws PlainError when it could not be asked, or does not
/// accept the password.
[[nodiscard]] HttpReply post_soap(const ClientOptions& options, std::string envelope);

}  // namespace app
