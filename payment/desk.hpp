// What every Payment request goes through: whose account or reservation it names, whether the caller may,
// the ledger, and its outcome as an answer.
#pragma once

#include "frontend/service.hpp"
#include "ledger/address.hpp"
#include "ledger/hold_id.hpp"
#include "ledger/ledger.hpp"
#include "payment/charging.hpp"
#include "payment/faults.hpp"

#include <boost/asio/awaitable.hpp>
#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace payment {

/// What was done, or what the client is told instead.
using Outcome = std::variant<ledger::Receipt, frontend::Refused>;

template <class Request>
using LedgerOperation = boost::asio::awaitable<ledger::Result<ledger::Receipt>> (ledger::Ledger::*)(Request);

/// The key of a request without a referenceCode: the Idempotency-Key header, else the WS-Addressing
/// MessageID; empty when the client gave neither.
[[nodiscard]] inline std::string key_of(const frontend::Call& call) {
    return std::string(call.idempotency_key.empty() ? call.message_id : call.idempotency_key);
}

[[nodiscard]] inline ledger::Origin origin(const frontend::Call& call, std::string reference,
                                           const ChargingInformation& charge) {
    return {.application = call.principal->application(),
            .reference = std::move(reference),
            .description = charge.description,
            .code = charge.code.value_or("")};
}

/// How much a message says: its amount, or what its code costs; nothing where it gives neither. The amount
/// wins.
[[nodiscard]] inline std::optional<ledger::Amount> amount_of(const ChargingInformation& charge) {
    ledger::Amount amount{{}, charge.currency, !charge.amount};
    if (charge.amount) amount.value = *charge.amount;
    return charge.amount || charge.code ? std::optional(std::move(amount)) : std::nullopt;
}

/// The account that holds an address, after the caller's rights on it were checked. A stranger learns nothing
/// about which addresses exist.
[[nodiscard]] inline boost::asio::awaitable<std::variant<ledger::AccountPtr, frontend::Refused>> find_account(
    ledger::Ledger& ledger, const frontend::Call& call, std::string address) {
    const auto account = co_await ledger.find(address);
    if (!account && account.error() != ledger::Refusal::unknown_account) co_return refused(account.error());
    const auto domain = account ? std::optional<std::string_view>((*account)->domain) : std::nullopt;
    if (auto fault = frontend::refusal(call, domain, address)) co_return frontend::Refused{std::move(*fault)};
    if (!account) co_return refused(account.error());
    co_return *account;
}

/// Posts a request on the account that holds `end_user`. An address that moved to another account between
/// look-up and posting is looked up once more, and rights are checked anew.
template <class Request>
boost::asio::awaitable<Outcome> post(ledger::Ledger& ledger, const frontend::Call& call, std::string end_user,
                                     Request request, LedgerOperation<Request> operation) {
    const auto address = ledger::normal_address(end_user);
    for (bool again = false;; again = true) {
        auto found = co_await find_account(ledger, call, address);
        if (auto* refusal = std::get_if<frontend::Refused>(&found)) co_return std::move(*refusal);
        Request attempt = request;
        attempt.account = std::get<ledger::AccountPtr>(found);
        if constexpr (requires { attempt.unlinked_allowed; }) {
            attempt.unlinked_allowed = call.principal->allows(auth::Permission::payment_refund_unlinked,
                                                              attempt.account->domain, address);
        }
        const auto receipt = co_await (ledger.*operation)(std::move(attempt));
        if (receipt) co_return *receipt;
        if (receipt.error() != ledger::Refusal::stale_address || again) co_return refused(receipt.error());
        ledger.forget_address(address);
    }
}

/// Posts a request on a reservation of the calling application; anybody else's is an unknown one.
template <class Request>
boost::asio::awaitable<Outcome> post_on_hold(ledger::Ledger& ledger, const frontend::Call& call,
                                             std::string reservation, Request request,
                                             LedgerOperation<Request> operation) {
    const auto id = ledger::hold_id_of(reservation);
    if (!id) co_return refused(ledger::Refusal::unknown_hold);
    const auto hold = co_await ledger.find_hold(*id);
    if (!hold) co_return refused(hold.error());
    if ((*hold)->application != call.principal->application())
        co_return refused(ledger::Refusal::unknown_hold);
    if (!call.principal->allows(call.permission, (*hold)->account->domain))
        co_return frontend::Refused{frontend::fault(frontend::Code::not_allowed)};
    request.hold = *hold;
    const auto receipt = co_await (ledger.*operation)(std::move(request));
    if (!receipt) co_return refused(receipt.error());
    co_return *receipt;
}

/// The answer of operations that return nothing.
[[nodiscard]] inline frontend::Answer<soap::Empty> empty_answer(Outcome outcome) {
    if (auto* refusal = std::get_if<frontend::Refused>(&outcome)) return std::move(*refusal);
    return frontend::Reply<soap::Empty>{{}, std::get<ledger::Receipt>(outcome).replayed};
}

}  // namespace payment
