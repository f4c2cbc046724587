// Finds the server, the user and the password, and sends.
#include "app/soap_client.hpp"

#include "app/data_dir.hpp"
#include "app/secret_input.hpp"
#include "frontend/soap/envelope.hpp"

#include <optional>
#include <utility>

namespace app {
namespace {

/// Who is asked, and as whom.
struct Access {
    std::string url, user, password;
};

Access find_access(const ClientOptions& options) {
    Access access{options.url, options.user, {}};
    std::optional<ServerInfo> server;
    if (access.url.empty()) {
        const DataDir data_dir(options.data_dir);
        server = read_server_info(data_dir);
        if (!server) {
            throw PlainError("no server is running on the data directory " + data_dir.path().string() +
                             ": start `ledgerline serve`, or give --data-dir or --url");
        }
        access.url = server->url;
    }
    if (access.user.empty()) {
        if (!server || !server->demo) throw PlainError("as whom? Give --user");
        access.user = "demo-app";
    }
    if (!options.password_file.empty())
        access.password = secret_in(options.password_file, "a password");
    else if (server && server->demo && access.user == "demo-app")
        access.password = "demo-app";
    else
        access.password =
            ask_secret("Password of " + access.user + ": ", "no password: give --password-file FILE");
    return access;
}

}  // namespace

HttpReply post_soap(const ClientOptions& options, std::string envelope) {
    const auto access = find_access(options);
    HttpPost request;
    request.url = access.url + "/ParlayX/";
    request.content_type = soap::content_type(soap::SoapVersion::v1_1);
    request.user = access.user;
    request.password = access.password;
    request.body = std::move(envelope);
    auto reply = post(request);
    if (reply.status == 401)
        throw PlainError("the server does not accept user " + access.user + " with this password");
    return reply;
}

}  // namespace app
