// The oracle's requests of volumes: what a volume is worth, and then the request of that amount.
#include "tests/support/ledger_oracle.hpp"

#include <algorithm>
#include <cstdint>

namespace tests {
namespace {

const std::string posted = "posted";
constexpr std::int64_t beyond_all = 1'000'000'000'000'001;

/// In cents, by the tariff of metered_tariff: 8 free, 32 at 10 cents for 4, the others at 2.
std::int64_t rate(std::int64_t volume) {
    if (volume <= 0) return 0;
    if (volume > 4 * beyond_all) return beyond_all;
    const auto sum =
        10 * std::clamp<std::int64_t>(volume - 8, 0, 32) + 2 * std::max<std::int64_t>(volume - 40, 0);
    return (2 * sum + 4) / 8;
}

std::int64_t worth(bool rated, std::int64_t volume) { return rated ? rate(volume) : volume; }

}  // namespace

const char* const metered_tariff =
    "select ledger.add_tariff('metered', null, null, 'bytes', null, null, null, 'EUR', 1, 4, 0, 0, "
    "'{0,8,40}', "
    "'{0,0.1,0.02}', null, null)";

/// The same request, of an amount.
Asked Oracle::of_amount(const Asked& asked, std::int64_t minor, const std::string& unit) const {
    auto request = asked;
    request.amount = base::Decimal::of_minor(minor, exponent_of(unit));
    request.unit = unit;
    return request;
}

/// In spending order a volume draws on balances that count its unit, where there are any, else on the default
/// one; in this world one may count it.
bool Oracle::spends_data(const Account& account) {
    const auto data = account.balances.find("data");
    return (account.spending || account.main == "data") && data != account.balances.end() &&
           (!data->second.expiry || data->second.expiry->first > 0);
}

/// What a volume would cost this account now.
std::string Oracle::quote(const Asked& asked, std::size_t index, bool may_spend, Quote& quote) const {
    const auto& account = accounts_.at(index);
    quote.type = asked.type.value_or(account.main);
    if (!account.balances.contains(quote.type)) return "unknown_balance";
    if (!asked.type && may_spend && asked.counted == "bytes" && spends_data(account)) quote.type = "data";
    quote.unit = account.balances.at(quote.type).unit;
    if (*asked.volume <= 0) return "not_positive";
    quote.rated = quote.unit != "bytes";
    if (quote.rated && quote.unit != "EUR") return "no_tariff";
    if (asked.counted && *asked.counted != "bytes") return "no_tariff";
    quote.minor = worth(quote.rated, *asked.volume);
    return quote.minor >= beyond_all ? "too_large" : posted;
}

/// A charge or a hold.
std::string Oracle::spend_volume(const Asked& asked) {
    Quote of;
    if (const auto bad = quote(asked, asked.account, true, of); bad != posted) return bad;
    if (of.minor == 0) {
        keep(asked, {});
        if (asked.kind == Kind::hold) holds_.push_back({asked.account, asked.type, {{of.type, 0, 0}}, true});
    } else if (const auto bad = spend(of_amount(asked, of.minor, of.unit)); bad != posted) {
        return bad;
    }
    if (asked.kind == Kind::hold) {
        holds_.back().volume = asked.volume;
        holds_.back().rated = of.rated;
    } else {
        requests_.at(key(asked)).metered[asked.account] = {.volume = *asked.volume, .rated = of.rated};
    }
    return posted;
}

/// What an extension or a capture by a volume comes to.
std::string Oracle::read_volume(const Asked& asked, const Hold& hold, std::int64_t& minor) {
    const auto volume = *asked.volume;
    const auto held = *hold.volume;
    minor = 0;
    if (volume == 0) return "not_positive";
    if (asked.kind == Kind::capture) {
        if (volume < 0) return "not_positive";
        if (volume > held - hold.captured_volume) return "beyond_hold";
        minor = worth(hold.rated, hold.captured_volume + volume) - worth(hold.rated, hold.captured_volume);
        return posted;
    }
    if (volume < hold.captured_volume - held) return "excess_give_back";
    if (volume > INT64_MAX - held) return "too_large";
    minor = worth(hold.rated, held + volume) - worth(hold.rated, held);
    if (minor >= beyond_all) {
        minor = 0;
        return "too_large";
    }
    return posted;
}

std::string Oracle::refund_volume(const Asked& asked) {
    const auto named = asked.original.value_or(asked.reference);
    Metered* of = nullptr;
    std::int64_t paid = 0;
    bool share = false;
    bool free = false;
    for (const auto kind : {Kind::charge, Kind::capture, Kind::split}) {
        const auto found = requests_.find(key(kind, asked.account, asked, named));
        if (found == requests_.end()) continue;
        const auto metered = found->second.metered.find(asked.account);
        // Of a split, only who has a share.
        const auto mine = [&](const auto& leg) { return leg.first == asked.account; };
        if (kind == Kind::split && std::ranges::none_of(found->second.legs, mine)) continue;
        if (metered == found->second.metered.end()) break;
        of = &metered->second;
        share = kind == Kind::split;
        free = found->second.legs.empty();
        for (const auto& [owner, leg] : found->second.legs) paid -= owner == asked.account ? leg.amount : 0;
        break;
    }
    const auto volume = *asked.volume;
    std::string refusal = posted;
    Quote worth_of;
    if (of) {
        const auto left = of->volume - of->refunded;
        if (volume <= 0) {
            refusal = "not_positive";
        } else if (volume > left) {
            refusal = "beyond_charge";
        } else if (share) {
            worth_of.minor = paid * left / of->volume - paid * (left - volume) / of->volume;
        } else {
            worth_of.minor =
                worth(of->rated, of->before + left) - worth(of->rated, of->before + left - volume);
        }
        worth_of.unit = of->rated ? "EUR" : "bytes";
    } else {
        refusal = quote(asked, asked.account, false, worth_of);
    }
    auto request = of_amount(asked, refusal == posted ? worth_of.minor : 0, worth_of.unit);
    if (refusal != posted) request.unit.reset();
    auto outcome = refund(request);
    if (outcome == "not_positive" || (free && outcome == "unknown_balance")) outcome = refusal;
    if (outcome != posted) return outcome;
    if (request.amount.unscaled == 0) keep(asked, {});
    if (of) of->refunded += volume;
    return posted;
}

std::string Oracle::split_volume(const Asked& asked, const std::vector<std::pair<std::size_t, int>>& shares) {
    const bool all_spend = std::ranges::all_of(
        shares, [this](const auto& share) { return spends_data(accounts_.at(share.first)); });
    Quote of;
    if (const auto bad = quote(asked, shares.front().first, all_spend, of); bad != posted) return bad;
    if (const auto bad = share_out(of_amount(asked, of.minor, of.unit), shares); bad != posted) return bad;
    auto& metered = requests_.at(key(asked)).metered;
    std::int64_t left = *asked.volume;
    for (const auto& [index, percent] : shares) {
        metered[index] = {.volume = *asked.volume / 100 * percent + *asked.volume % 100 * percent / 100,
                          .rated = of.rated};
        left -= metered[index].volume;
    }
    for (auto share = shares.begin(); left > 0; ++share, --left) ++metered[share->first].volume;
    return posted;
}

}  // namespace tests
