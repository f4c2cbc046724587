// Builds a chargeAmount or refundAmount, sends it, explains the answer; asks what became of a reference.
#include "app/charge_client.hpp"

#include "app/data_dir.hpp"
#include "app/operator/table.hpp"
#include "app/soap_client.hpp"
#include "payment/amount_messages.hpp"

#include <boost/json/parse.hpp>
#include <iostream>

namespace app {
namespace json = boost::json;
namespace {

const soap::Endpoint amount_charging_v2_1{&payment::amount_charging, &payment::amount_charging_versions[1]};
static_assert(payment::amount_charging_versions[1].name == "v2_1");

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

std::string text_at(const json::value& value, std::string_view name) {
    const auto* found = value.as_object().if_contains(name);
    return found && found->is_string() ? std::string(found->as_string()) : std::string();
}

/// One line a request.
void print_requests(const json::value& body) {
    for (const auto& request : body.at("requests").as_array()) {
        std::cout << text_at(request, "time") << "  " << text_at(request, "operation") << ' '
                  << text_at(request, "outcome") << "  " << text_at(request, "amount") << ' '
                  << text_at(request, "unit");
        const auto refunded = text_at(request, "refunded");
        if (!refunded.empty()) std::cout << ", refunded " << refunded;
        std::cout << '\n';
    }
}

}  // namespace

int charge(const ChargeOptions& options) {
    const auto answer = ask(options, amount_charging_v2_1, options.refund ? "refundAmount" : "chargeAmount",
                            message_of(options));
    if (answer.fault) return refused(options.refund ? "Not refunded" : "Not charged", *answer.fault);
    return done((options.refund ? "Refunded " : "Charged ") + options.address + ' ' + options.amount + ' ' +
                    options.currency + ", reference " + options.reference + '.',
                answer.replayed);
}

int show_status(const ClientOptions& options, const std::string& reference, const std::string& address) {
    const auto reply = ask_status(options, reference, address);
    boost::system::error_code failure;
    const auto body = json::parse(reply.body, failure);
    const bool readable = !failure && body.is_object();
    if (readable && reply.status == 404) {
        std::cerr << text_at(body, "message") << '\n';
        return 1;
    }
    if (!readable || reply.status != 200) {
        const auto said = readable ? text_at(body, "message") : reply.body.substr(0, reply.body.find('\n'));
        throw PlainError("the server does not tell (HTTP " + std::to_string(reply.status) +
                         "): " + printable(said));
    }
    print_requests(body);
    return 0;
}

}  // namespace app
