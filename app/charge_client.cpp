// Builds a chargeAmount or refundAmount, sends it, explains the answer.
#include "app/charge_client.hpp"

#include "app/data_dir.hpp"
#include "app/http_client.hpp"
#include "frontend/soap/envelope.hpp"
#include "payment/messages.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace app {
namespace {

const soap::Endpoint amount_charging_v2_1{&payment::amount_charging, &payment::amount_charging_versions[1]};
static_assert(payment::amount_charging_versions[1].name == "v2_1");

std::string ask_password(const std::string& user) {
    termios shown{};
    if (::tcgetattr(STDIN_FILENO, &shown) != 0) {
        throw PlainError("no password: give --password-file FILE");
    }
    auto hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    std::cerr << "Password of " << user << ": " << std::flush;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::string password;
    std::getline(std::cin, password);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << '\n';
    return password;
}

std::string password_in(const std::string& path) {
    std::ifstream file(path);
    std::string password;
    if (!std::getline(file, password) && password.empty()) {
        throw PlainError("can't read a password from " + path + ": " +
                         (file.is_open() ? "it is empty" : std::strerror(errno)));
    }
    return password;
}

/// Who is asked, and as whom.
struct Access {
    std::string url, user, password;
};

Access find_access(const ChargeOptions& options) {
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
        access.password = password_in(options.password_file);
    else if (server && server->demo && access.user == "demo-app")
        access.password = "demo-app";
    else
        access.password = ask_password(access.user);
    return access;
}

std::optional<std::string> if_given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

soap::Message message_of(const ChargeOptions& options) {
    const auto amount = base::Decimal::parse(options.amount);
    if (!amount) throw PlainError("'" + options.amount + "' is no amount like 1.50");
    payment::ChargingInformation charge;
    charge.description = options.description;
    charge.currency = options.currency;
    charge.amount = amount;
    if (options.refund) {
        payment::RefundAmount message;
        message.end_user = options.address;
        message.charge = charge;
        message.reference_code = options.reference;
        message.balance_type = if_given(options.balance);
        message.original_reference_code = if_given(options.original_reference);
        return soap::Message::of(std::move(message));
    }
    payment::ChargeAmount message;
    message.end_user = options.address;
    message.charge = charge;
    message.reference_code = options.reference;
    message.balance_type = if_given(options.balance);
    return soap::Message::of(std::move(message));
}

/// The fault's id and text with its variables in place.
int refused(const ChargeOptions& options, const soap::Fault& fault) {
    std::cerr << (options.refund ? "Not refunded: " : "Not charged: ") << fault.faultstring() << '\n';
    return 1;
}

int done(const ChargeOptions& options, const HttpReply& reply) {
    std::cout << (options.refund ? "Refunded " : "Charged ") << options.address << ' ' << options.amount
              << ' ' << options.currency << ", reference " << options.reference << ".\n";
    if (reply.replayed)
        std::cout << "This was done before under the same reference; nothing was posted now.\n";
    return 0;
}

}  // namespace

int charge(const ChargeOptions& options) {
    const auto access = find_access(options);
    const soap::XmlRuntime xml;
    const soap::Catalogue catalogue({&payment::amount_charging});
    const soap::Decoder decoder(xml, catalogue);
    const auto* operation = payment::amount_charging.find(*amount_charging_v2_1.version,
                                                          options.refund ? "refundAmount" : "chargeAmount");

    HttpPost request;
    request.url = access.url + "/ParlayX/";
    request.content_type = soap::content_type(soap::SoapVersion::v1_1);
    request.user = access.user;
    request.password = access.password;
    request.body =
        soap::encode_request(soap::SoapVersion::v1_1, amount_charging_v2_1, *operation, message_of(options));
    const auto reply = post(request);
    if (reply.status == 401)
        throw PlainError("the server does not accept user " + access.user + " with this password");

    const auto answer = decoder.decode_reply(reply.body, amount_charging_v2_1, *operation);
    if (const auto* fault = std::get_if<soap::Fault>(&answer)) return refused(options, *fault);
    if (const auto* nonsense = std::get_if<soap::Unintelligible>(&answer)) {
        throw PlainError("it is unknown whether this was done: the answer (HTTP " +
                         std::to_string(reply.status) + ") makes no sense: " + nonsense->reason +
                         "\nThe same command again is safe: a reference is charged once.");
    }
    return done(options, reply);
}

}  // namespace app
