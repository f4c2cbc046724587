// Finds the account, checks rights and PIN, asks the ledger, and words its answer as the version does.
#include "accountmgmt/account_management.hpp"

#include "accountmgmt/faults.hpp"
#include "accountmgmt/history_details.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace asio = boost::asio;

namespace accountmgmt {

using frontend::Call;
using frontend::Refused;
using ledger::AccountPtr;
using ledger::Refusal;

namespace {

const ledger::Balance& default_of(const std::vector<ledger::Balance>& balances) {
    const auto found = std::ranges::find_if(balances, &ledger::Balance::is_default);
    return found == balances.end() ? balances.front() : *found;
}

std::optional<Refused> refusal(PinVerdict verdict) {
    switch (verdict) {
        case PinVerdict::good:
            return std::nullopt;
        case PinVerdict::bad:
            return refused(OwnRefusal::wrong_pin);
        case PinVerdict::overloaded:
            return frontend::try_again(frontend::Code::overloaded);
        case PinVerdict::unavailable:
            break;
    }
    return frontend::try_again(frontend::Code::database_unavailable);
}

/// The answer of operations that return nothing.
frontend::Answer<soap::Empty> empty_answer(std::variant<ledger::Receipt, Refused> outcome) {
    if (auto* refused = std::get_if<Refused>(&outcome)) return std::move(*refused);
    return frontend::Reply<soap::Empty>{{}, std::get<ledger::Receipt>(outcome).replayed};
}

}  // namespace

frontend::Service AccountManagement::service() {
    using Self = AccountManagement;
    using enum auth::Permission;
    frontend::Service service(account_management);
    service.serve<&Self::get_single_balance>(*this, "getBalance", account_read)
        .serve<&Self::get_balance>(*this, "getBalance", account_read)
        .serve<&Self::get_single_expiry_date>(*this, "getCreditExpiryDate", account_read)
        .serve<&Self::get_credit_expiry_date>(*this, "getCreditExpiryDate", account_read)
        .serve<&Self::update_single_balance>(*this, "balanceUpdate", account_update)
        .serve<&Self::balance_update>(*this, "balanceUpdate", account_update)
        .serve<&Self::voucher_update>(*this, "voucherUpdate", account_voucher)
        .serve<&Self::get_history>(*this, "getHistory", account_read)
        .serve<&Self::get_balance_types>(*this, "getBalanceTypes", account_read);
    return service;
}

/// The account that holds the address, after the caller's rights on it and the PIN were checked. A stranger
/// learns nothing about which addresses exist, and cannot try PINs.
asio::awaitable<AccountManagement::Outcome<AccountPtr>> AccountManagement::open(
    const Call& call, ledger::Located located, std::optional<std::string> pin) {
    const auto& [address, account] = located;
    if (!account && account.error() != Refusal::unknown_account) co_return refused(account.error());
    const auto domain = account ? std::optional<std::string_view>((*account)->domain) : std::nullopt;
    if (auto fault = frontend::refusal(call, domain, address)) co_return Refused{std::move(*fault)};
    if (!account) co_return refused(account.error());
    const auto verdict = co_await pins_.check((*account)->id, std::move(pin));
    if (auto refused_pin = refusal(verdict)) co_return std::move(*refused_pin);
    co_return *account;
}

/// `operation(account)` on the account that holds `end_user`. An address that moved to another account in
/// between is looked up once more, and everything is checked anew.
template <class Value, class Operation>
asio::awaitable<AccountManagement::Outcome<Value>> AccountManagement::on_account(
    const Call& call, std::string end_user, std::optional<std::string> pin, Operation operation,
    std::string voucher) {
    ledger::Ledger::MayKnow may_know = [&call](const ledger::Account& account, const std::string& address) {
        return !frontend::refusal(call, account.domain, address);
    };
    for (bool again = false;; again = true) {
        ledger::Located located{{}, Refusal::unknown_account};
        if constexpr (std::is_same_v<Value, ledger::Receipt>)
            located = co_await ledger_.locate_to_post(end_user, may_know);
        else
            located = co_await ledger_.locate(end_user);
        const auto address = located.address;
        auto opened = co_await open(call, std::move(located), pin);
        if (auto* refusal = std::get_if<Refused>(&opened)) co_return std::move(*refusal);
        auto result = co_await operation(std::get<AccountPtr>(opened));
        if (result) co_return std::move(*result);
        if (result.error() != Refusal::stale_address || again) co_return refused(result.error(), voucher);
        ledger_.forget_address(address);
    }
}

/// At least one: a response without any is not valid by the standard's schema.
asio::awaitable<AccountManagement::Outcome<std::vector<ledger::Balance>>> AccountManagement::balances(
    const Call& call, AccountQuestion request) {
    const auto read = [this](AccountPtr account) { return ledger_.balances(std::move(account)); };
    auto outcome = co_await on_account<std::vector<ledger::Balance>>(call, std::move(request.end_user),
                                                                     std::move(request.pin), read);
    const auto* found = std::get_if<std::vector<ledger::Balance>>(&outcome);
    if (found && found->empty()) co_return refused(OwnRefusal::no_balance);
    co_return outcome;
}

AccountManagement::Handled<SingleBalance> AccountManagement::get_single_balance(const Call& call,
                                                                                AccountQuestion request) {
    auto outcome = co_await balances(call, std::move(request));
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    co_return SingleBalance{default_of(std::get<0>(outcome)).unreserved};
}

AccountManagement::Handled<SingleExpiryDate> AccountManagement::get_single_expiry_date(
    const Call& call, AccountQuestion request) {
    auto outcome = co_await balances(call, std::move(request));
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    co_return SingleExpiryDate{default_of(std::get<0>(outcome)).expires_at};
}

AccountManagement::Handled<Balances> AccountManagement::get_balance(const Call& call,
                                                                    AccountQuestion request) {
    auto outcome = co_await balances(call, std::move(request));
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    Balances response;
    for (const auto& balance : std::get<0>(outcome))
        response.result.push_back({balance.type, balance.unreserved});
    co_return response;
}

AccountManagement::Handled<ExpiryDates> AccountManagement::get_credit_expiry_date(const Call& call,
                                                                                  AccountQuestion request) {
    auto outcome = co_await balances(call, std::move(request));
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    ExpiryDates response;
    for (const auto& balance : std::get<0>(outcome))
        response.result.push_back({balance.type, balance.expires_at});
    co_return response;
}

AccountManagement::Handled<BalanceTypes> AccountManagement::get_balance_types(const Call& call,
                                                                              AccountQuestion request) {
    auto outcome = co_await balances(call, std::move(request));
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    BalanceTypes response;
    for (const auto& balance : std::get<0>(outcome)) response.result.push_back(balance.type);
    co_return response;
}

AccountManagement::Handled<soap::Empty> AccountManagement::balance_update(const Call& call,
                                                                          BalanceUpdate request) {
    ledger::Credit credit;
    credit.origin.application = call.principal->application();
    credit.origin.reference = std::move(request.reference_code);
    credit.origin.description = "balance update";
    credit.amount.value = request.amount;
    credit.balance_type = std::move(request.balance_type);
    credit.period_days = request.period;
    const auto post = [this, &credit](AccountPtr account) {
        auto attempt = credit;
        attempt.account = std::move(account);
        return ledger_.credit(std::move(attempt));
    };
    auto outcome =
        co_await on_account<ledger::Receipt>(call, std::move(request.end_user), std::move(request.pin), post);
    co_return empty_answer(std::move(outcome));
}

AccountManagement::Handled<soap::Empty> AccountManagement::update_single_balance(
    const Call& call, SingleBalanceUpdate request) {
    BalanceUpdate of_default;
    of_default.end_user = std::move(request.end_user);
    of_default.pin = std::move(request.pin);
    of_default.reference_code = std::move(request.reference_code);
    of_default.amount = request.amount;
    of_default.period = request.period;
    return balance_update(call, std::move(of_default));
}

AccountManagement::Handled<soap::Empty> AccountManagement::voucher_update(const Call& call,
                                                                          VoucherUpdate request) {
    if (!options_.vouchers_accepted) co_return refused(OwnRefusal::vouchers_not_accepted);
    ledger::Redeem redeem;
    redeem.origin.application = call.principal->application();
    redeem.origin.reference = std::move(request.reference_code);
    redeem.code = request.voucher;
    redeem.pin = std::move(request.voucher_pin);
    const auto post = [this, &redeem](AccountPtr account) {
        auto attempt = redeem;
        attempt.account = std::move(account);
        return ledger_.redeem(std::move(attempt));
    };
    auto outcome = co_await on_account<ledger::Receipt>(
        call, std::move(request.end_user), std::move(request.pin), post, std::move(request.voucher));
    co_return empty_answer(std::move(outcome));
}

AccountManagement::Handled<History> AccountManagement::get_history(const Call& call, GetHistory request) {
    if (request.max_entries.value_or(0) < 0) co_return refused(OwnRefusal::negative_entries);
    ledger::HistoryQuery query;
    query.from = request.date;
    if (request.max_entries) query.max_entries = static_cast<std::size_t>(*request.max_entries);
    const bool of_default = single_balance.contains(call.version->number);
    const auto read = [this, &query, of_default](AccountPtr account) {
        auto attempt = query;
        attempt.account = std::move(account);
        return history(std::move(attempt), of_default);
    };
    auto outcome = co_await on_account<std::vector<ledger::HistoryEntry>>(call, std::move(request.end_user),
                                                                          std::move(request.pin), read);
    if (auto* refusal = std::get_if<Refused>(&outcome)) co_return std::move(*refusal);
    History response;
    for (const auto& entry : std::get<0>(outcome))
        response.result.push_back({entry.recorded_at, history_details(entry)});
    co_return response;
}

asio::awaitable<ledger::Result<std::vector<ledger::HistoryEntry>>> AccountManagement::history(
    ledger::HistoryQuery query, bool of_default_balance) {
    if (of_default_balance) {
        const auto balances = co_await ledger_.balances(query.account);
        if (!balances) co_return balances.error();
        if (balances->empty()) co_return std::vector<ledger::HistoryEntry>();
        query.balance_type = default_of(*balances).type;
    }
    co_return co_await ledger_.history(std::move(query));
}

}  // namespace accountmgmt
