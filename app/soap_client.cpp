// Finds the server, the user and the password, and sends.
#include "app/soap_client.hpp"

#include "app/data_dir.hpp"
#include "app/operator/printer.hpp"
#include "app/secret_input.hpp"
#include "frontend/soap/envelope.hpp"

#include <iostream>
#include <optional>
#include <utility>

namespace app {
namespace {

/// A server by its own URL, or by that of its services, which the start message shows.
std::string server_of(std::string url) {
    const auto drop = [&url](std::string_view end) {
        if (url.ends_with(end)) url.resize(url.size() - end.size());
    };
    drop("/");
    drop("/ParlayX");
    return url;
}

Access find_access(const ClientOptions& options) {
    Access access{server_of(options.url), options.user, {}};
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

HttpReply send_as_user(const ClientOptions& options, HttpRequest request) {
    if (!options.access) options.access = find_access(options);
    const auto& access = *options.access;
    request.url = access.url + request.url;
    request.user = access.user;
    request.password = access.password;
    auto reply = send(request);
    if (reply.status == 401)
        throw PlainError("the server does not accept user " + access.user + " with this password");
    return reply;
}

}  // namespace

SoapAnswer ask(const ClientOptions& options, const soap::Endpoint& endpoint, std::string_view operation,
               const soap::Message& message) {
    const auto* table = endpoint.interface->find(*endpoint.version, operation);
    HttpRequest request;
    request.url = "/ParlayX/";
    request.idempotency_key = options.key;
    request.content_type = soap::content_type(soap::SoapVersion::v1_1);
    request.body = soap::encode_request(soap::SoapVersion::v1_1, endpoint, *table, message);
    const auto reply = send_as_user(options, std::move(request));

    const soap::XmlRuntime xml;
    const soap::Catalogue catalogue({endpoint.interface});
    // How much an account's history or balances are is the server's to say ([ledger] history_limit).
    soap::Limits limits;
    limits.bytes_max = limits.elements_max = reply.body.size();
    const soap::Decoder decoder(xml, catalogue, limits);
    auto answer = decoder.decode_reply(reply.body, endpoint, *table);
    if (const auto* nonsense = std::get_if<soap::Unintelligible>(&answer)) {
        throw PlainError(
            "it is unknown whether this was done: the answer (HTTP " + std::to_string(reply.status) +
            ") makes no sense: " + nonsense->reason +
            (options.repeatable ? "\nThe same command again is safe: a reference counts once." : ""));
    }
    if (auto* fault = std::get_if<soap::Fault>(&answer)) return {{}, reply.replayed, std::move(*fault)};
    return {std::get<soap::Message>(std::move(answer)), reply.replayed, std::nullopt};
}

int refused(std::string_view what, const soap::Fault& fault) {
    std::cerr << what << ": " << printable(fault.faultstring()) << '\n';
    return 1;
}

int done(std::string_view sentence, bool replayed) {
    std::cout << sentence << '\n';
    if (replayed) std::cout << done_before << '\n';
    return 0;
}

HttpReply ask_status(const ClientOptions& options, const std::string& reference, const std::string& address) {
    return get(options, "/ParlayX/requests/" + percent_encoded(reference) +
                            "?endUserIdentifier=" + percent_encoded(address));
}

HttpReply get(const ClientOptions& options, std::string path) {
    HttpRequest request;
    request.get = true;
    request.url = std::move(path);
    return send_as_user(options, std::move(request));
}

}  // namespace app
