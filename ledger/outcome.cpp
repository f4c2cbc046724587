// The names of the refusals.
#include "ledger/outcome.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace ledger {
namespace {

constexpr std::array<std::pair<Refusal, std::string_view>, 34> names{{
    {Refusal::unknown_account, "unknown_account"},
    {Refusal::stale_address, "stale_address"},
    {Refusal::account_closed, "account_closed"},
    {Refusal::account_suspended, "account_suspended"},
    {Refusal::unknown_balance, "unknown_balance"},
    {Refusal::wrong_unit, "wrong_unit"},
    {Refusal::not_positive, "not_positive"},
    {Refusal::too_many_decimals, "too_many_decimals"},
    {Refusal::too_large, "too_large"},
    {Refusal::balance_limit, "balance_limit"},
    {Refusal::insufficient_funds, "insufficient_funds"},
    {Refusal::reference_conflict, "reference_conflict"},
    {Refusal::unknown_hold, "unknown_hold"},
    {Refusal::beyond_hold, "beyond_hold"},
    {Refusal::excess_give_back, "excess_give_back"},
    {Refusal::unknown_charge, "unknown_charge"},
    {Refusal::beyond_charge, "beyond_charge"},
    {Refusal::refund_not_linked, "refund_not_linked"},
    {Refusal::invalid_period, "invalid_period"},
    {Refusal::invalid_shares, "invalid_shares"},
    {Refusal::invalid_reference, "invalid_reference"},
    {Refusal::invalid_parameters, "invalid_parameters"},
    {Refusal::unknown_price, "unknown_price"},
    {Refusal::no_tariff, "no_tariff"},
    {Refusal::unknown_voucher, "unknown_voucher"},
    {Refusal::voucher_redeemed, "voucher_redeemed"},
    {Refusal::voucher_expired, "voucher_expired"},
    {Refusal::voucher_blocked, "voucher_blocked"},
    {Refusal::voucher_throttled, "voucher_throttled"},
    {Refusal::invalid_text, "invalid_text"},
    {Refusal::over_limit, "over_limit"},
    {Refusal::overloaded, "overloaded"},
    {Refusal::unavailable, "unavailable"},
    {Refusal::internal, "internal"},
}};

constexpr auto refusals = [] {
    std::array<Refusal, names.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = names[i].first;
    return all;
}();

}  // namespace

std::span<const Refusal> all_refusals() { return refusals; }

std::string_view to_string(Refusal refusal) { return names.at(static_cast<std::size_t>(refusal)).second; }

std::optional<Refusal> refusal_named(std::string_view name) {
    const auto* found = std::ranges::find(names, name, &decltype(names)::value_type::second);
    return found == names.end() ? std::nullopt : std::optional(found->first);
}

void throw_exception_from_error(Refusal refusal, const boost::source_location& where) {
    throw std::logic_error("refused (" + std::string(to_string(refusal)) + ") where a value was asked for: " +
                           where.file_name() + ":" + std::to_string(where.line()));
}

}  // namespace ledger
