// The oracle's requests of several legs: transfers, adjustments, splits, reversals, closing, expiry.
#include "tests/support/ledger_oracle.hpp"

#include <algorithm>

namespace tests {
namespace {

const std::string posted = "posted";

}  // namespace

/// All steps or none. The first one, in their order, that cannot be done names the refusal.
std::string Oracle::move_all(const Asked& asked, const std::vector<Step>& steps, const std::string& contra,
                             std::vector<std::string> contras) {
    const auto accounts_before = accounts_;
    const auto contra_before = contra_;
    std::string refusal;
    std::vector<std::pair<std::size_t, Leg>> moved;
    contras.resize(steps.size(), contra);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto& step = steps[i];
        auto& account = accounts_.at(step.account);
        const bool debit = step.amount < 0;
        const bool may_be_suspended = asked.kind != Kind::split && asked.kind != Kind::transfer;
        Legs legs;
        std::string outcome = posted;
        if (account.state == State::closed) {
            outcome = "account_closed";
        } else if (account.state == State::suspended && debit && !may_be_suspended) {
            outcome = "account_suspended";
        } else if (const auto type = step.type.value_or(account.main); !account.balances.contains(type)) {
            outcome = "unknown_balance";
        } else if (!debit) {
            legs.push_back({type, step.amount, 0});
        } else if (asked.kind == Kind::split && !step.type && account.spending) {
            outcome = draw(account, asked.unit.value_or(account.balances.at(type).unit), -step.amount, legs);
        } else if (asked.kind == Kind::reversal) {
            // What is undone may be taken from an expired balance too.
            const auto& balance = account.balances.at(type);
            if (balance.posted - balance.held + balance.limit < -step.amount) outcome = "insufficient_funds";
            legs.push_back({type, -step.amount, 0});
        } else {
            outcome = draw_one(account, type, -step.amount, legs);
        }
        if (outcome != posted) {
            if (refusal.empty()) refusal = outcome;
            continue;
        }
        for (auto& leg : legs) {
            if (debit) leg.amount = -leg.amount;
            move(step.account, leg, contras[i], asked.application);
            moved.emplace_back(step.account, leg);
        }
    }
    if (!refusal.empty()) {
        accounts_ = accounts_before;
        contra_ = contra_before;
        return refusal;
    }
    keep(asked, std::move(moved));
    return posted;
}

std::string Oracle::adjust_or_transfer(const Asked& asked) {
    const bool transfer = asked.kind == Kind::transfer;
    const auto balance_of = [&](std::size_t index, const std::optional<std::string>& type) -> const Balance* {
        const auto& account = accounts_.at(index);
        const auto found = account.balances.find(type.value_or(account.main));
        return found == account.balances.end() ? nullptr : &found->second;
    };
    const auto* from = balance_of(asked.account, asked.type);
    const auto* to = transfer ? balance_of(asked.to, asked.to_type) : nullptr;
    if (from && to && from->unit != to->unit) return "wrong_unit";
    const auto* either = from ? from : to;
    // Closed and suspended accounts, unknown balances: said leg by leg, before the amount is looked at.
    const auto state = accounts_.at(asked.account).state;
    if (state == State::closed) return "account_closed";
    if (transfer && state == State::suspended) return "account_suspended";
    if (!from) return "unknown_balance";
    std::int64_t minor = 0;
    if (const auto bad = read_amount(asked, either->unit, either->exponent, !transfer, minor); bad != posted)
        return bad;
    if (!transfer) return move_all(asked, {{asked.account, asked.type, minor}}, "adjustment");
    return move_all(asked, {{asked.account, asked.type, -minor}, {asked.to, asked.to_type, minor}},
                    "clearing");
}

std::string Oracle::split(const Asked& asked) {
    std::vector<std::pair<std::size_t, int>> shares;
    int sum = 0;
    for (const auto& [account, percent] : asked.shares) {
        if (percent < 1 || percent > 100) return "invalid_shares";
        sum += percent;
        const auto same = std::ranges::find(shares, account, &std::pair<std::size_t, int>::first);
        if (same == shares.end())
            shares.emplace_back(account, percent);
        else
            same->second += percent;
    }
    if (sum != 100) return "invalid_shares";
    if (!asked.volume) return share_out(asked, shares);
    const auto known = requests_.find(key(asked));
    if (known == requests_.end()) return split_volume(asked, shares);
    return known->second.content == content(asked) ? "replayed" : "reference_conflict";
}

std::string Oracle::share_out(const Asked& asked, const std::vector<std::pair<std::size_t, int>>& shares) {
    const auto known = requests_.find(key(asked));
    if (known != requests_.end() && known->second.content == content(asked)) return "replayed";
    const Balance* first = nullptr;
    bool mixed = false;
    for (const auto& [index, percent] : shares) {
        const auto& account = accounts_.at(index);
        auto found = account.balances.find(asked.type.value_or(account.main));
        if (!asked.type && account.spending) {
            const auto in_unit = std::ranges::find_if(
                account.balances, [&](const auto& balance) { return balance.second.unit == asked.unit; });
            if (in_unit != account.balances.end()) found = in_unit;
        }
        if (found == account.balances.end()) return "unknown_balance";
        mixed = mixed || (first && first->unit != found->second.unit);
        if (!first) first = &found->second;
    }
    if (mixed || (asked.unit && *asked.unit != first->unit)) return "wrong_unit";
    if (asked.amount.unscaled <= 0) return "not_positive";
    std::int64_t minor = 0;
    if (const auto bad = read_amount(asked, first->unit, first->exponent, false, minor); bad != posted)
        return bad;
    std::vector<Step> steps;
    std::int64_t left = minor;
    for (const auto& [index, percent] : shares) {
        steps.push_back({index, asked.type, -(minor * percent / 100)});
        left -= minor * percent / 100;
    }
    for (auto step = steps.begin(); left > 0; ++step, --left) --step->amount;
    if (std::ranges::find(steps, 0, &Step::amount) != steps.end()) return "not_positive";
    if (known != requests_.end()) return "reference_conflict";
    return move_all(asked, steps, "revenue");
}

std::string Oracle::reverse(const Asked& asked) {
    const auto of = requests_.find(key(asked.undone, asked.account, asked, asked.original.value_or("")));
    if (of == requests_.end() || of->second.legs.empty()) return "unknown_charge";
    const auto known = requests_.find(key(asked));
    if (known != requests_.end()) {
        return known->second.content == content(asked) ? "replayed" : "reference_conflict";
    }
    std::int64_t given_back = 0;
    for (const auto& [owner, leg] : of->second.legs) given_back += leg.consumed;
    if (of->second.undone || given_back > 0) return "beyond_charge";
    std::vector<Step> steps;
    for (const auto& [owner, leg] : of->second.legs) steps.push_back({owner, leg.type, -leg.amount});
    const std::string contra = asked.undone == Kind::credit       ? "funding"
                               : asked.undone == Kind::adjustment ? "adjustment"
                               : asked.undone == Kind::transfer   ? "clearing"
                                                                  : "revenue";
    const auto outcome = move_all(asked, steps, contra);
    if (outcome == posted) of->second.undone = true;
    return outcome;
}

bool Oracle::sweep_balance(std::size_t index, const std::string& type, int grace_days) {
    auto& balance = accounts_.at(index).balances.at(type);
    const auto rest = balance.posted - balance.held;
    if (!balance.expiry || balance.expiry->first > -grace_days || rest <= 0) return false;
    move(index, {type, -rest, 0}, "expired", "ledgerline");
    return true;
}

std::string Oracle::close(std::size_t index) {
    auto& account = accounts_.at(index);
    if (account.state == State::closed) return "account_closed";
    for (const auto& hold : holds_) {
        std::int64_t left = 0;
        for (const auto& leg : hold.legs) left += leg.amount - leg.consumed;
        if (hold.account == index && hold.open && left > 0) return "unknown_hold";
    }
    for (auto& hold : holds_) {
        if (hold.account == index) hold.open = false;
    }
    for (auto& [name, balance] : account.balances) {
        if (balance.posted != 0) move(index, {name, -balance.posted, 0}, "written_off", "operator");
    }
    account.state = State::closed;
    return posted;
}

}  // namespace tests
