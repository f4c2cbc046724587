// Requests of every kind for tests of the ledger, and one way to post any of them.
#pragma once

#include "ledger/ledger.hpp"

#include <string>
#include <utility>
#include <variant>

namespace tests {

/// Whatever can be asked of the ledger.
using Request =
    std::variant<ledger::Charge, ledger::Refund, ledger::Credit, ledger::Place, ledger::Extend,
                 ledger::Capture, ledger::Release, ledger::Adjust, ledger::Transfer, ledger::Split,
                 ledger::Reverse, ledger::ChargeVolume, ledger::RefundVolume, ledger::PlaceVolume,
                 ledger::ExtendVolume, ledger::CaptureVolume, ledger::SplitVolume>;

inline auto operation_of(ledger::Ledger& to, ledger::Charge r) { return to.charge(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Refund r) { return to.refund(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Credit r) { return to.credit(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Place r) { return to.place(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Extend r) { return to.extend(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Capture r) { return to.capture(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Release r) { return to.release(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Adjust r) { return to.adjust(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Transfer r) { return to.transfer(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Split r) { return to.split(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::Reverse r) { return to.reverse(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::ChargeVolume r) {
    return to.charge_volume(std::move(r));
}
inline auto operation_of(ledger::Ledger& to, ledger::RefundVolume r) {
    return to.refund_volume(std::move(r));
}
inline auto operation_of(ledger::Ledger& to, ledger::PlaceVolume r) { return to.place_volume(std::move(r)); }
inline auto operation_of(ledger::Ledger& to, ledger::ExtendVolume r) {
    return to.extend_volume(std::move(r));
}
inline auto operation_of(ledger::Ledger& to, ledger::CaptureVolume r) {
    return to.capture_volume(std::move(r));
}
inline auto operation_of(ledger::Ledger& to, ledger::SplitVolume r) { return to.split_volume(std::move(r)); }

inline boost::asio::awaitable<ledger::Result<ledger::Receipt>> post(ledger::Ledger& to, Request request) {
    return std::visit([&to](auto& r) { return operation_of(to, std::move(r)); }, request);
}

/// "posted", "replayed" or the refusal's name.
inline std::string outcome(const ledger::Result<ledger::Receipt>& result) {
    if (!result) return std::string(to_string(result.error()));
    return result->replayed ? "replayed" : "posted";
}

inline ledger::Origin by_shop(std::string reference) {
    return {.application = "shop", .reference = std::move(reference), .description = "test", .code = {}};
}

inline ledger::Charge a_charge(ledger::AccountPtr account, std::string reference, ledger::Amount amount,
                               ledger::BalanceType type = {}) {
    ledger::Charge request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

/// A refund of the charge `original`.
inline ledger::Refund a_refund(ledger::AccountPtr account, std::string reference, std::string original,
                               ledger::Amount amount, ledger::BalanceType type = {}) {
    ledger::Refund request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    request.original_reference = std::move(original);
    return request;
}

inline ledger::Credit a_credit(ledger::AccountPtr account, std::string reference, ledger::Amount amount,
                               ledger::BalanceType type = {}, std::optional<std::int32_t> period_days = {}) {
    ledger::Credit request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    request.period_days = period_days;
    return request;
}

inline ledger::Place a_place(ledger::AccountPtr account, std::string reference, ledger::Amount amount,
                             ledger::BalanceType type = {}) {
    ledger::Place request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

inline ledger::Extend an_extension(ledger::HoldPtr hold, std::string reference, ledger::Amount amount,
                                   ledger::BalanceType type = {}) {
    ledger::Extend request;
    request.hold = std::move(hold);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

inline ledger::Capture a_capture(ledger::HoldPtr hold, std::string reference, ledger::Amount amount,
                                 ledger::BalanceType type = {}) {
    ledger::Capture request;
    request.hold = std::move(hold);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

inline ledger::Release a_release(ledger::HoldPtr hold, std::string reference) {
    ledger::Release request;
    request.hold = std::move(hold);
    request.origin = by_shop(std::move(reference));
    return request;
}

inline ledger::Adjust an_adjustment(ledger::AccountPtr account, std::string reference, ledger::Amount amount,
                                    ledger::BalanceType type = {}) {
    ledger::Adjust request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

inline ledger::Transfer a_transfer(ledger::AccountPtr from, ledger::AccountPtr to, std::string reference,
                                   ledger::Amount amount, ledger::BalanceType from_balance = {},
                                   ledger::BalanceType to_balance = {}) {
    ledger::Transfer request;
    request.from = std::move(from);
    request.to = std::move(to);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.from_balance = std::move(from_balance);
    request.to_balance = std::move(to_balance);
    return request;
}

inline ledger::Split a_split(std::vector<ledger::Split::Share> shares, std::string reference,
                             ledger::Amount amount, ledger::BalanceType type = {}) {
    ledger::Split request;
    request.shares = std::move(shares);
    request.origin = by_shop(std::move(reference));
    request.amount = std::move(amount);
    request.balance_type = std::move(type);
    return request;
}

/// The reversal of what the shop asked for.
inline ledger::Reverse a_reversal(ledger::AccountPtr account, std::string reference, std::string of_operation,
                                  std::string of_reference) {
    ledger::Reverse request;
    request.account = std::move(account);
    request.origin = by_shop(std::move(reference));
    request.of_application = "shop";
    request.of_operation = std::move(of_operation);
    request.of_reference = std::move(of_reference);
    return request;
}

}  // namespace tests
