// What every Payment request goes through: whose account or reservation it names, whether the caller may,
// the ledger, and its outcome as an answer.
#pragma once

#include "base/ids.hpp"
#include "base/utf8.hpp"
#include "frontend/service.hpp"
#include "ledger/digest.hpp"
#include "ledger/hold_id.hpp"
#include "ledger/ledger.hpp"
#include "payment/charging.hpp"
#include "payment/faults.hpp"
#include "payment/reservation_messages.hpp"

#include <boost/asio/awaitable.hpp>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace payment {

/// What was done, or what the client is told instead.
using Outcome = std::variant<ledger::Receipt, frontend::Refused>;

template <class Request>
using LedgerOperation = boost::asio::awaitable<ledger::Result<ledger::Receipt>> (ledger::Ledger::*)(Request);

/// The key of a request without a referenceCode: the Idempotency-Key header, else the WS-Addressing
/// MessageID; empty when the client gave neither. Clients choose them at any length and in any bytes: where
/// one is not fit for the books, which take no more than `bytes_max`, its digest stands for it.
[[nodiscard]] inline std::string key_of(const frontend::Call& call, std::size_t bytes_max) {
    const auto given = call.idempotency_key.empty() ? call.message_id : call.idempotency_key;
    if (base::is_storable_text(given, bytes_max)) return std::string(given);
    ledger::Fields fields;
    fields.add(given);
    return "digest:" + base::hex(fields.digest());
}

[[nodiscard]] inline ledger::Origin origin(const frontend::Call& call, std::string reference,
                                           std::string description, std::string code = {}) {
    return {.application = call.principal->application(),
            .reference = std::move(reference),
            .description = std::move(description),
            .code = std::move(code)};
}

[[nodiscard]] inline ledger::Origin origin(const frontend::Call& call, std::string reference,
                                           const ChargingInformation& charge) {
    return origin(call, std::move(reference), charge.description, charge.code.value_or(""));
}

/// How much a message says: its amount, in minor units or not, or what its code costs; nothing where it gives
/// neither. The amount wins.
[[nodiscard]] inline std::optional<ledger::Amount> amount_of(const ChargingInformation& charge, bool minor) {
    ledger::Amount amount{{}, charge.currency, !charge.amount, minor};
    if (charge.amount) amount.value = *charge.amount;
    return charge.amount || charge.code ? std::optional(std::move(amount)) : std::nullopt;
}

/// What a request of the ledger is about.
template <class Request>
inline constexpr Measure measure_of =
    requires(Request request) { request.volume; } ? Measure::volume : Measure::amount;

/// An account, and the address that led to it, in normal form.
struct FoundAccount {
    ledger::AccountPtr account;
    std::string address;
};

/// The account that an address of a message means, after the caller's rights on it were checked. A stranger
/// learns nothing about which addresses exist.
[[nodiscard]] inline std::variant<FoundAccount, frontend::Refused> found_account(const frontend::Call& call,
                                                                                 ledger::Located located) {
    auto& [address, account] = located;
    if (!account && account.error() != ledger::Refusal::unknown_account) return refused(account.error());
    const auto domain = account ? std::optional<std::string_view>((*account)->domain) : std::nullopt;
    if (auto fault = frontend::refusal(call, domain, address)) return frontend::Refused{std::move(*fault)};
    if (!account) return refused(account.error());
    return FoundAccount{std::move(*account), std::move(address)};
}

[[nodiscard]] inline boost::asio::awaitable<std::variant<FoundAccount, frontend::Refused>>
find_account_to_post(ledger::Ledger& ledger, const frontend::Call& call, std::string end_user) {
    ledger::Ledger::MayKnow may_know = [&call](const ledger::Account& account, const std::string& address) {
        return !frontend::refusal(call, account.domain, address);
    };
    auto located = co_await ledger.locate_to_post(std::move(end_user), std::move(may_know));
    co_return found_account(call, std::move(located));
}

/// Posts a request on the account that holds `end_user`. An address that moved to another account between
/// look-up and posting is looked up once more, and rights are checked anew.
template <class Request>
boost::asio::awaitable<Outcome> post(ledger::Ledger& ledger, const frontend::Call& call, std::string end_user,
                                     Request request, LedgerOperation<Request> operation) {
    for (bool again = false;; again = true) {
        auto found = co_await find_account_to_post(ledger, call, end_user);
        if (auto* refusal = std::get_if<frontend::Refused>(&found)) co_return std::move(*refusal);
        const auto& [account, address] = std::get<FoundAccount>(found);
        Request attempt = request;
        attempt.account = account;
        if constexpr (requires { attempt.unlinked_allowed; }) {
            attempt.unlinked_allowed = call.principal->allows(auth::Permission::payment_refund_unlinked,
                                                              attempt.account->domain, address);
        }
        const auto receipt = co_await (ledger.*operation)(std::move(attempt));
        if (receipt) co_return *receipt;
        if (receipt.error() != ledger::Refusal::stale_address || again)
            co_return refused(receipt.error(), measure_of<Request>);
        ledger.forget_address(address);
    }
}

/// Posts one charge over the accounts that hold several addresses; the caller's rights on each are checked.
template <class Request>
boost::asio::awaitable<Outcome> post_split(ledger::Ledger& ledger, const frontend::Call& call,
                                           std::vector<SplitType> parts, Request request,
                                           LedgerOperation<Request> operation) {
    for (bool again = false;; again = true) {
        Request attempt = request;
        std::vector<std::string> addresses;
        for (const auto& part : parts) {
            auto found = co_await find_account_to_post(ledger, call, part.end_user);
            if (auto* refusal = std::get_if<frontend::Refused>(&found)) co_return std::move(*refusal);
            auto& [account, address] = std::get<FoundAccount>(found);
            attempt.shares.push_back({std::move(account), part.percent});
            addresses.push_back(std::move(address));
        }
        const auto receipt = co_await (ledger.*operation)(std::move(attempt));
        if (receipt) co_return *receipt;
        if (receipt.error() != ledger::Refusal::stale_address || again)
            co_return refused(receipt.error(), measure_of<Request>);
        for (const auto& address : addresses) ledger.forget_address(address);
    }
}

/// Posts a request on a reservation of this measure, of the calling application; any other is an unknown one.
template <class Request>
boost::asio::awaitable<Outcome> post_on_hold(ledger::Ledger& ledger, const frontend::Call& call,
                                             std::string reservation, Measure measure, Request request,
                                             LedgerOperation<Request> operation) {
    const auto id = ledger::hold_id_of(reservation);
    if (!id) co_return refused(ledger::Refusal::unknown_hold);
    const auto hold = co_await ledger.find_hold(*id);
    if (!hold) co_return refused(hold.error());
    const bool other_measure = (*hold)->of_volume != (measure == Measure::volume);
    if ((*hold)->application != call.principal->application() || other_measure)
        co_return refused(ledger::Refusal::unknown_hold);
    if (!call.principal->allows(call.permission, (*hold)->account->domain))
        co_return frontend::Refused{frontend::fault(frontend::Code::not_allowed)};
    request.hold = *hold;
    const auto receipt = co_await (ledger.*operation)(std::move(request));
    if (!receipt) co_return refused(receipt.error(), measure);
    co_return *receipt;
}

/// The answer of operations that return nothing.
[[nodiscard]] inline frontend::Answer<soap::Empty> empty_answer(Outcome outcome) {
    if (auto* refusal = std::get_if<frontend::Refused>(&outcome)) return std::move(*refusal);
    return frontend::Reply<soap::Empty>{{}, std::get<ledger::Receipt>(outcome).replayed};
}

/// The answer of operations that return a reservation.
[[nodiscard]] inline frontend::Answer<ReservationResult> reservation_answer(Outcome outcome) {
    if (auto* refusal = std::get_if<frontend::Refused>(&outcome)) return std::move(*refusal);
    const auto& receipt = std::get<ledger::Receipt>(outcome);
    ReservationResult result{ledger::to_string(receipt.hold.value())};
    return frontend::Reply<ReservationResult>{std::move(result), receipt.replayed};
}

}  // namespace payment
