// Translates AmountCharging messages into postings and outcomes back into messages.
#include "payment/amount_charging.hpp"

#include "ledger/address.hpp"
#include "payment/faults.hpp"

#include <concepts>
#include <string>
#include <utility>

namespace payment {
namespace {

using frontend::Answer;
using frontend::Call;
using frontend::Refused;
using frontend::Reply;
using ledger::Refusal;

template <class T>
using Posted = boost::asio::awaitable<ledger::Result<T>>;

ledger::Origin origin(const Call& call, std::string reference, const ChargingInformation& charge) {
    return {.application = call.principal->application(),
            .reference = std::move(reference),
            .description = charge.description,
            .code = charge.code.value_or("")};
}

/// Finds the account that a request names, checks that the caller may do this to it, and posts. An address
/// that moved to another account between look-up and posting is looked up once more, and rights are checked
/// anew.
template <class Request>
boost::asio::awaitable<Answer<soap::Empty>> post(
    ledger::Ledger& ledger, const Call& call, std::string end_user, Request request,
    Posted<ledger::Receipt> (ledger::Ledger::*operation)(Request)) {
    const auto address = ledger::normal_address(end_user);
    for (bool again = false;; again = true) {
        const auto account = co_await ledger.find(address);
        if (!account && account.error() != Refusal::unknown_account) co_return refused(account.error());
        const auto domain = account ? std::optional<std::string_view>((*account)->domain) : std::nullopt;
        if (auto fault = frontend::refusal(call, domain, address)) co_return std::move(*fault);
        if (!account) co_return refused(account.error());
        Request attempt = request;
        attempt.account = *account;
        if constexpr (std::same_as<Request, ledger::Refund>) {
            attempt.unlinked_allowed =
                call.principal->allows(auth::Permission::payment_refund_unlinked, *domain, address);
        }
        const auto receipt = co_await (ledger.*operation)(std::move(attempt));
        if (receipt) co_return Reply<soap::Empty>{{}, receipt->replayed};
        if (receipt.error() != Refusal::stale_address || again) co_return refused(receipt.error());
        ledger.forget_address(address);
    }
}

}  // namespace

frontend::Service AmountCharging::service() {
    using enum auth::Permission;
    frontend::Service service(amount_charging);
    service.serve<&AmountCharging::charge_amount_v20>(*this, "chargeAmount", payment_charge)
        .serve<&AmountCharging::refund_amount_v20>(*this, "refundAmount", payment_refund)
        .serve<&AmountCharging::charge_amount>(*this, "chargeAmount", payment_charge)
        .serve<&AmountCharging::refund_amount>(*this, "refundAmount", payment_refund);
    return service;
}

AmountCharging::Handled<soap::Empty> AmountCharging::charge_amount(const Call& call, ChargeAmount request) {
    // Amount or code must say how much; a code alone has no price yet.
    if (!request.charge.amount) co_return refused(Refusal::not_positive);
    ledger::Charge charge;
    charge.origin = origin(call, std::move(request.reference_code), request.charge);
    charge.amount = {*request.charge.amount, std::move(request.charge.currency)};
    charge.balance_type = std::move(request.balance_type);
    co_return co_await post(ledger_, call, std::move(request.end_user), std::move(charge),
                            &ledger::Ledger::charge);
}

AmountCharging::Handled<soap::Empty> AmountCharging::refund_amount(const Call& call, RefundAmount request) {
    if (!request.charge.amount) co_return refused(Refusal::not_positive);
    ledger::Refund refund;
    refund.origin = origin(call, std::move(request.reference_code), request.charge);
    refund.amount = {*request.charge.amount, std::move(request.charge.currency)};
    refund.balance_type = std::move(request.balance_type);
    refund.original_reference = std::move(request.original_reference_code);
    co_return co_await post(ledger_, call, std::move(request.end_user), std::move(refund),
                            &ledger::Ledger::refund);
}

AmountCharging::Handled<soap::Empty> AmountCharging::charge_amount_v20(const Call& call,
                                                                       ChargeAmountV20 request) {
    return charge_amount(call, to_current(request));
}

AmountCharging::Handled<soap::Empty> AmountCharging::refund_amount_v20(const Call& call,
                                                                       RefundAmountV20 request) {
    return refund_amount(call, to_current(request));
}

}  // namespace payment
