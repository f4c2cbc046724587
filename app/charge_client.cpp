// Builds a chargeAmount or refundAmount, sends it, explains the answer.
#include "app/charge_client.hpp"

#include "app/data_dir.hpp"
#include "app/soap_client.hpp"
#include "frontend/soap/envelope.hpp"
#include "payment/amount_messages.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>

namespace app {
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
    const soap::XmlRuntime xml;
    const soap::Catalogue catalogue({&payment::amount_charging});
    const soap::Decoder decoder(xml, catalogue);
    const auto* operation = payment::amount_charging.find(*amount_charging_v2_1.version,
                                                          options.refund ? "refundAmount" : "chargeAmount");
    const auto reply = post_soap(options, soap::encode_request(soap::SoapVersion::v1_1, amount_charging_v2_1,
                                                               *operation, message_of(options)));

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
