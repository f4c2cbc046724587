// Builds the messages of Account Management v2_2, sends them, explains the answers.
#include "app/account_client.hpp"

#include "accountmgmt/messages.hpp"
#include "app/data_dir.hpp"
#include "app/operator/table.hpp"
#include "app/secret_input.hpp"

#include <algorithm>
#include <fstream>
#include <iomanip>
#include <iostream>

namespace app {
namespace {

const soap::Endpoint account_management_v2_2{&accountmgmt::account_management, &accountmgmt::versions[2]};
static_assert(accountmgmt::versions[2].name == "v2_2");

std::optional<std::string> pin_of(const AccountOptions& options) {
    if (options.pin_file.empty()) return std::nullopt;
    return secret_in(options.pin_file, "a PIN");
}

std::string text_of(const soap::TimePoint& time) {
    std::string text;
    soap::xsd::date_time.print(soap::xsd::date_time, &time, text);
    return text;
}

soap::Message question(const AccountOptions& options) {
    return soap::Message::of(accountmgmt::AccountQuestion{options.address, pin_of(options)});
}

int topped_up(const AccountOptions& options, const std::string& with, const SoapAnswer& answer) {
    if (answer.fault) return refused("Not topped up", *answer.fault);
    return done("Topped up " + options.address + " with " + with + ", reference " + options.reference + '.',
                answer.replayed);
}

int redeem(const AccountOptions& options) {
    std::ifstream file(options.voucher_file);
    std::string code, pin;
    if (!std::getline(file, code)) throw PlainError("can't read a voucher from " + options.voucher_file);
    std::getline(file, pin);
    if (pin.ends_with('\r')) pin.pop_back();
    accountmgmt::VoucherUpdate message;
    message.end_user = options.address;
    message.pin = pin_of(options);
    message.reference_code = options.reference;
    message.voucher = code;
    if (!pin.empty()) message.voucher_pin = pin;
    const auto answer =
        ask(options, account_management_v2_2, "voucherUpdate", soap::Message::of(std::move(message)));
    return topped_up(options, "a voucher", answer);
}

}  // namespace

int show_balances(const AccountOptions& options) {
    auto amounts = ask(options, account_management_v2_2, "getBalance", question(options));
    if (amounts.fault) return refused("No balance", *amounts.fault);
    auto dates = ask(options, account_management_v2_2, "getCreditExpiryDate", question(options));
    if (dates.fault) return refused("No balance", *dates.fault);
    const auto& balances = amounts.message.as<accountmgmt::Balances>().result;
    const auto& expiries = dates.message.as<accountmgmt::ExpiryDates>().result;
    std::size_t type_width = 0, amount_width = 0;
    for (const auto& balance : balances) {
        type_width = std::max(type_width, balance.balance_type.size());
        amount_width = std::max(amount_width, balance.amount.text().size());
    }
    for (const auto& balance : balances) {
        std::cout << std::left << std::setw(static_cast<int>(type_width)) << balance.balance_type << "  "
                  << std::right << std::setw(static_cast<int>(amount_width)) << balance.amount.text();
        const auto expiry = std::ranges::find(expiries, balance.balance_type,
                                              &accountmgmt::BalanceExpireDetails::balance_type);
        if (expiry != expiries.end() && expiry->date) std::cout << "  until " << text_of(*expiry->date);
        std::cout << '\n';
    }
    return 0;
}

int show_history(const AccountOptions& options) {
    accountmgmt::GetHistory message;
    message.end_user = options.address;
    message.pin = pin_of(options);
    message.max_entries = options.entries;
    if (!options.from.empty()) {
        soap::TimePoint from;
        const auto& type = soap::xsd::date_time;
        if (!type.parse(type, &from, options.from) && !type.parse(type, &from, options.from + "T00:00:00Z"))
            throw PlainError("'" + options.from + "' is no time like 2026-11-01 or 2026-11-01T00:00:00Z");
        message.date = from;
    }
    auto answer = ask(options, account_management_v2_2, "getHistory", soap::Message::of(std::move(message)));
    if (answer.fault) return refused("No history", *answer.fault);
    const auto& entries = answer.message.as<accountmgmt::History>().result;
    for (const auto& entry : entries)
        std::cout << text_of(entry.date) << "  " << printable(entry.details) << '\n';
    if (entries.empty()) std::cerr << "No entries.\n";
    return 0;
}

int top_up(const AccountOptions& options) {
    if (!options.voucher_file.empty()) return redeem(options);
    const auto amount = base::Decimal::parse(options.amount);
    if (!amount) throw PlainError("'" + options.amount + "' is no amount like 10.00");
    accountmgmt::BalanceUpdate message;
    message.end_user = options.address;
    message.pin = pin_of(options);
    message.reference_code = options.reference;
    message.balance_type = options.balance;
    message.amount = *amount;
    message.period = options.period_days;
    const auto answer =
        ask(options, account_management_v2_2, "balanceUpdate", soap::Message::of(std::move(message)));
    return topped_up(options, options.amount, answer);
}

}  // namespace app
