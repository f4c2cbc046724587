// The oracle's decisions. Written from the rules, one request at a time; slow and plain on purpose.
#include "tests/support/ledger_oracle.hpp"

#include <algorithm>
#include <array>

namespace tests {
namespace {

constexpr std::int64_t max_amount = 1'000'000'000'000'000;
const std::string posted = "posted";

bool usable(const Oracle::Balance& balance) { return !balance.expiry || balance.expiry->first > 0; }
std::int64_t free_funds(const Oracle::Balance& balance) { return balance.posted - balance.held; }

std::int64_t left_of(const std::vector<Oracle::Leg>& legs) {
    std::int64_t left = 0;
    for (const auto& leg : legs) left += leg.amount - leg.consumed;
    return left;
}

/// The earlier one first; none is the latest.
bool expires_before(const std::optional<Oracle::Expiry>& a, const std::optional<Oracle::Expiry>& b) {
    return a && (!b || *a < *b);
}

template <class T>
std::string text(const std::optional<T>& value) {
    if (!value) return "-";
    if constexpr (std::is_same_v<T, std::string>)
        return "=" + *value;
    else
        return std::to_string(*value);
}

}  // namespace

std::string to_string(Kind kind) {
    static constexpr std::array names{"charge",  "refund",     "credit",   "hold",  "extend",  "capture",
                                      "release", "adjustment", "transfer", "split", "reversal"};
    return names.at(static_cast<std::size_t>(kind));
}

std::size_t Oracle::open_account(bool spending, const std::vector<std::string>& types) {
    Account account;
    account.spending = spending;
    account.main = types.front();
    for (const auto& name : types) {
        const auto& type = types_.at(name);
        account.balances[name] = {.unit = type.unit, .exponent = type.exponent, .priority = type.priority};
    }
    accounts_.push_back(std::move(account));
    return accounts_.size() - 1;
}

std::string Oracle::ask(const Asked& asked, bool makes_balances) { return decide(asked, makes_balances); }

std::optional<std::size_t> Oracle::accepted(const Asked& asked) const {
    const auto found = requests_.find(key(asked));
    return found == requests_.end() ? std::nullopt : std::optional(found->second.number);
}

std::string Oracle::key(Kind kind, std::size_t account, const Asked& asked,
                        const std::string& reference) const {
    // A split belongs to nobody, whoever shares in it, and what undoes it to nobody on its shard.
    auto owner = kind == Kind::split ? std::string("nobody") : std::to_string(account);
    if (kind == Kind::reversal && asked.keeper) owner = "nobody on " + std::to_string(*asked.keeper);
    return owner + '|' + asked.application + '|' + to_string(kind) + '|' + reference;
}

std::string Oracle::key(const Asked& asked) const {
    return key(asked.kind, asked.account, asked, asked.reference);
}

std::string Oracle::content(const Asked& asked) {
    std::string shares;
    for (const auto& [account, percent] : asked.shares) {
        shares += std::to_string(account) + ':' + std::to_string(percent) + ' ';
    }
    const bool on_hold =
        asked.kind == Kind::extend || asked.kind == Kind::capture || asked.kind == Kind::release;
    const auto what = asked.volume ? "volume " + std::to_string(*asked.volume) + ' ' + text(asked.counted)
                                   : asked.amount.text() + '|' + text(asked.unit);
    return what + '|' + text(asked.type) + '|' + (on_hold ? std::to_string(asked.hold) : "") + '|' +
           text(asked.original) + '|' + text(asked.period) + '|' +
           (asked.kind == Kind::transfer ? std::to_string(asked.to) : "") + '|' + text(asked.to_type) + '|' +
           shares + '|' + (asked.kind == Kind::reversal ? to_string(asked.undone) : "");
}

int Oracle::exponent_of(const std::string& unit) const {
    for (const auto& [name, type] : types_) {
        if (type.unit == unit) return type.exponent;
    }
    return 0;
}

/// Which refusal comes first is part of the rules: unit, decimals, sign, size.
std::string Oracle::read_amount(const Asked& asked, const std::string& unit, int exponent,
                                bool may_be_negative, std::int64_t& minor) {
    if (asked.unit && *asked.unit != unit) return "wrong_unit";
    const auto& value = asked.amount;
    if (!value.overflow && value.scale > exponent) return "too_many_decimals";
    if (value.unscaled == 0 || (value.unscaled < 0 && !may_be_negative)) return "not_positive";
    if (value.overflow) return "too_large";
    const auto too_large = [&] { return minor > max_amount || minor < -max_amount; };
    minor = value.unscaled;
    for (int i = value.scale; i < exponent && !too_large(); ++i) minor *= 10;
    return too_large() ? "too_large" : posted;
}

std::string Oracle::decide(const Asked& asked, bool makes_balances) {
    if (asked.kind == Kind::split) return split(asked);
    if (asked.kind == Kind::reversal) return reverse(asked);
    if (asked.kind == Kind::transfer && asked.amount.unscaled <= 0) return "not_positive";
    const auto known = requests_.find(key(asked));
    if (known != requests_.end()) {
        return known->second.content == content(asked) ? "replayed" : "reference_conflict";
    }
    if (asked.kind == Kind::transfer || asked.kind == Kind::adjustment) return adjust_or_transfer(asked);
    const auto state = accounts_.at(asked.account).state;
    if (state == State::closed) return "account_closed";
    const bool takes = asked.kind == Kind::charge || asked.kind == Kind::hold ||
                       (asked.kind == Kind::extend && extends_by(asked) > 0);
    if (state == State::suspended && takes) return "account_suspended";
    return on_account(asked, makes_balances);
}

std::string Oracle::on_account(const Asked& asked, bool makes_balances) {
    switch (asked.kind) {
        case Kind::charge:
        case Kind::hold:
            return asked.volume ? spend_volume(asked) : spend(asked);
        case Kind::refund:
            return asked.volume ? refund_volume(asked) : refund(asked);
        case Kind::credit:
            return credit(asked, makes_balances);
        default:
            return on_hold(asked);
    }
}

/// From one balance: its funds and its credit limit.
std::string Oracle::draw_one(const Account& account, const std::string& type, std::int64_t minor,
                             Legs& legs) {
    const auto& balance = account.balances.at(type);
    if (!usable(balance) || free_funds(balance) + balance.limit < minor) return "insufficient_funds";
    legs.push_back({type, minor, 0});
    return posted;
}

/// From all balances of a unit: funds by priority, expiry, name; then the default balance's credit.
std::string Oracle::draw(const Account& account, const std::string& unit, std::int64_t minor, Legs& legs) {
    std::vector<std::string> order;
    for (const auto& [name, balance] : account.balances) {
        if (balance.unit == unit && usable(balance)) order.push_back(name);
    }
    std::ranges::stable_sort(order, [&](const auto& left, const auto& right) {
        const auto& a = account.balances.at(left);
        const auto& b = account.balances.at(right);
        return a.priority != b.priority ? a.priority < b.priority : expires_before(a.expiry, b.expiry);
    });
    std::int64_t missing = minor;
    for (const auto& name : order) {
        const auto share = std::min(missing, free_funds(account.balances.at(name)));
        if (share <= 0) continue;
        legs.push_back({name, share, 0});
        missing -= share;
    }
    if (missing == 0) return posted;
    const auto& main = account.balances.at(account.main);
    const auto credit = main.limit + std::min<std::int64_t>(free_funds(main), 0);
    if (std::ranges::find(order, account.main) == order.end() || credit < missing)
        return "insufficient_funds";
    const auto leg = std::ranges::find(legs, account.main, &Leg::type);
    if (leg == legs.end())
        legs.push_back({account.main, missing, 0});
    else
        leg->amount += missing;
    return posted;
}

std::string Oracle::spend(const Asked& asked) {
    auto& account = accounts_.at(asked.account);
    if (asked.type && !account.balances.contains(*asked.type)) return "unknown_balance";
    const bool by_order = !asked.type && account.spending;
    auto unit = account.balances.at(asked.type.value_or(account.main)).unit;
    if (by_order && asked.unit) {
        const auto counts = [&](const auto& entry) { return entry.second.unit == *asked.unit; };
        if (std::ranges::any_of(account.balances, counts)) unit = *asked.unit;
    }
    std::int64_t minor = 0;
    if (const auto bad = read_amount(asked, unit, exponent_of(unit), false, minor); bad != posted) return bad;
    Legs legs;
    const auto outcome = by_order ? draw(account, unit, minor, legs)
                                  : draw_one(account, asked.type.value_or(account.main), minor, legs);
    if (outcome != posted) return outcome;
    std::vector<std::pair<std::size_t, Leg>> moved;
    if (asked.kind == Kind::hold) {
        for (const auto& leg : legs) account.balances.at(leg.type).held += leg.amount;
        holds_.push_back({asked.account, asked.type, legs, true});
    } else {
        for (auto leg : legs) {
            leg.amount = -leg.amount;
            move(asked.account, leg, "revenue", asked.application);
            moved.emplace_back(asked.account, leg);
        }
    }
    keep(asked, std::move(moved));
    return posted;
}

std::string Oracle::refund(const Asked& asked) {
    auto& account = accounts_.at(asked.account);
    const auto named = asked.original.value_or(asked.reference);
    auto charge = requests_.find(key(Kind::charge, asked.account, asked, named));
    if (charge == requests_.end()) charge = requests_.find(key(Kind::capture, asked.account, asked, named));
    if (charge == requests_.end()) charge = requests_.find(key(Kind::split, asked.account, asked, named));
    // Of a split, the share of this account.
    std::vector<Leg*> legs;
    if (charge != requests_.end()) {
        for (auto& [owner, leg] : charge->second.legs) {
            if (owner == asked.account) legs.push_back(&leg);
        }
    }
    std::int64_t minor = 0;
    // A charge of a volume that was free came from no balance: nothing can be given back, but nothing either.
    if (charge != requests_.end() && charge->second.legs.empty())
        return asked.amount.unscaled > 0 ? "beyond_charge" : "unknown_balance";
    if (legs.empty()) {
        if (asked.original) return "unknown_charge";
        if (!asked.unlinked) return "refund_not_linked";
        const auto type = asked.type.value_or(account.main);
        if (!account.balances.contains(type)) return "unknown_balance";
        const auto& balance = account.balances.at(type);
        if (const auto bad = read_amount(asked, balance.unit, balance.exponent, false, minor); bad != posted)
            return bad;
        const Leg leg{type, minor, 0};
        move(asked.account, leg, "revenue", asked.application);
        keep(asked, {{asked.account, leg}});
        return posted;
    }
    if (legs.size() == 1 && asked.type && *asked.type != legs.front()->type) return "unknown_balance";
    const auto& first = account.balances.at(legs.front()->type);
    if (const auto bad = read_amount(asked, first.unit, first.exponent, false, minor); bad != posted)
        return bad;
    std::int64_t left = 0;
    for (const auto* leg : legs) left += -leg->amount - leg->consumed;
    if (charge->second.undone || minor > left) return "beyond_charge";
    std::vector<std::pair<std::size_t, Leg>> moved;
    for (auto at = legs.rbegin(); at != legs.rend() && minor > 0; ++at) {
        const auto share = std::min(minor, -(*at)->amount - (*at)->consumed);
        if (share == 0) continue;
        if (asked.type && *asked.type != (*at)->type) return "unknown_balance";
        moved.push_back({asked.account, {(*at)->type, share, 0}});
        minor -= share;
    }
    for (const auto& [owner, back] : moved) {
        const auto same = [&](const Leg* leg) { return leg->type == back.type; };
        (*std::ranges::find_if(legs, same))->consumed += back.amount;
        move(owner, back, "revenue", asked.application);
    }
    keep(asked, std::move(moved));
    return posted;
}

std::string Oracle::credit(const Asked& asked, bool makes_balances) {
    auto& account = accounts_.at(asked.account);
    const auto type = asked.type.value_or(account.main);
    Balance fresh;
    if (!account.balances.contains(type)) {
        if (!makes_balances || !types_.contains(type)) return "unknown_balance";
        const auto& made = types_.at(type);
        fresh = {.unit = made.unit, .exponent = made.exponent, .priority = made.priority};
    } else {
        fresh = account.balances.at(type);
    }
    std::int64_t minor = 0;
    if (const auto bad = read_amount(asked, fresh.unit, fresh.exponent, false, minor); bad != posted)
        return bad;
    account.balances[type] = fresh;
    const Leg leg{type, minor, 0};
    move(asked.account, leg, "funding", asked.application);
    auto& balance = account.balances.at(type);
    if (asked.period && (balance.expiry || balance.rows == 1)) {
        const Expiry wanted{*asked.period, transaction_};
        if (!balance.expiry || *balance.expiry < wanted) balance.expiry = wanted;
    }
    keep(asked, {{asked.account, leg}});
    return posted;
}

std::string Oracle::on_hold(const Asked& asked) {
    auto& hold = holds_.at(asked.hold);
    auto& account = accounts_.at(asked.account);
    if (!hold.open || hold.account != asked.account) return "unknown_hold";
    if (asked.type && asked.type != hold.type) {
        const bool same = !hold.type && hold.legs.size() == 1 && hold.legs.front().type == *asked.type;
        if (!same) return "unknown_balance";
    }
    const auto& first = account.balances.at(hold.legs.front().type);
    std::int64_t minor = left_of(hold.legs);
    if (asked.kind != Kind::release) {
        const auto bad =
            asked.volume ? read_volume(asked, hold, minor)
                         : read_amount(asked, first.unit, first.exponent, asked.kind == Kind::extend, minor);
        if (bad != posted) return bad;
    }
    if (asked.kind == Kind::extend) return extend(asked, hold, minor);
    if (minor > left_of(hold.legs)) return "beyond_hold";
    if (asked.volume) hold.captured_volume += *asked.volume;
    std::vector<std::pair<std::size_t, Leg>> moved;
    for (auto& leg : hold.legs) {
        const auto share = std::min(minor, leg.amount - leg.consumed);
        if (share == 0) continue;
        minor -= share;
        account.balances.at(leg.type).held -= share;
        if (asked.kind == Kind::release) continue;
        leg.consumed += share;
        moved.push_back({asked.account, {leg.type, -share, 0}});
        move(asked.account, moved.back().second, "revenue", asked.application);
    }
    if (asked.kind == Kind::release) hold.open = false;
    keep(asked, std::move(moved));
    if (asked.volume) {
        auto& metered = requests_.at(key(asked)).metered[asked.account];
        metered = {
            .volume = *asked.volume, .before = hold.captured_volume - *asked.volume, .rated = hold.rated};
    }
    return posted;
}

/// In minor units; 0 where it will be refused.
std::int64_t Oracle::extends_by(const Asked& asked) const {
    const auto& hold = holds_.at(asked.hold);
    if (!asked.volume) return asked.amount.unscaled;
    std::int64_t minor = 0;
    return read_volume(asked, hold, minor) == posted ? minor : 0;
}

std::string Oracle::extend(const Asked& asked, Hold& hold, std::int64_t minor) {
    auto& account = accounts_.at(asked.account);
    if (minor < 0) {
        if (-minor > left_of(hold.legs)) return "excess_give_back";
        for (auto leg = hold.legs.rbegin(); leg != hold.legs.rend(); ++leg) {
            const auto share = std::min(-minor, leg->amount - leg->consumed);
            leg->amount -= share;
            account.balances.at(leg->type).held -= share;
            minor += share;
        }
    } else if (minor > 0) {
        Legs more;
        const auto& first = hold.legs.front().type;
        const auto outcome = !hold.type && account.spending
                                 ? draw(account, account.balances.at(first).unit, minor, more)
                                 : draw_one(account, first, minor, more);
        if (outcome != posted) return outcome;
        for (const auto& leg : more) {
            account.balances.at(leg.type).held += leg.amount;
            const auto same = std::ranges::find(hold.legs, leg.type, &Leg::type);
            if (same == hold.legs.end())
                hold.legs.push_back(leg);
            else
                same->amount += leg.amount;
        }
    }
    if (asked.volume) *hold.volume += *asked.volume;
    keep(asked, {});
    return posted;
}

void Oracle::expire_hold(std::size_t index) {
    auto& hold = holds_.at(index);
    hold.open = false;
    for (const auto& leg : hold.legs) {
        accounts_.at(hold.account).balances.at(leg.type).held -= leg.amount - leg.consumed;
    }
}

void Oracle::move(std::size_t account, const Leg& leg, const std::string& contra,
                  const std::string& application) {
    auto& balance = accounts_.at(account).balances.at(leg.type);
    balance.posted += leg.amount;
    ++balance.rows;
    contra_[contra + ' ' + application + ' ' + balance.unit] -= leg.amount;
}

void Oracle::keep(const Asked& asked, std::vector<std::pair<std::size_t, Leg>> legs) {
    const auto number = requests_.size();
    requests_[key(asked)] = {content(asked), number, asked.kind, std::move(legs), false};
}

std::string Oracle::state(std::size_t index) const {
    const auto& account = accounts_.at(index);
    std::string result(account.state == State::active      ? "active"
                       : account.state == State::suspended ? "suspended"
                                                           : "closed");
    for (const auto& [name, balance] : account.balances) {
        result += '\n' + name + ' ' + std::to_string(balance.posted) + ' ' + std::to_string(balance.held) +
                  ' ' + std::to_string(balance.rows) + ' ' +
                  (balance.expiry ? std::to_string(balance.expiry->first) : "never");
    }
    std::vector<std::string> open;
    for (const auto& hold : holds_) {
        if (hold.account != index || !hold.open) continue;
        std::string line = "\nhold";
        for (const auto& leg : hold.legs) {
            line += ' ' + leg.type + ' ' + std::to_string(leg.amount) + ' ' + std::to_string(leg.consumed);
        }
        open.push_back(std::move(line));
    }
    std::ranges::sort(open);
    for (const auto& line : open) result += line;
    return result;
}

std::string Oracle::contra_totals() const {
    std::string result;
    for (const auto& [name, total] : contra_) {
        if (total != 0) result += name + ' ' + std::to_string(total) + '\n';
    }
    return result;
}

const char* const ledger_state_query =
    "select concat(a.state,"
    " (select string_agg(concat(E'\\n', b.balance_type, ' ', b.posted, ' ', b.held - (select "
    "coalesce(sum(l.amount - "
    "l.captured), 0) from ledger.hold h join ledger.hold_leg l using (shard, hold_id) where h.shard = "
    "b.shard and "
    "h.account_id = b.account_id and h.state = 'open' and h.expires_at <= clock_timestamp() and l.balance_no "
    "= "
    "b.balance_no), ' ', b.seq, ' ', coalesce(round(extract(epoch from b.expires_at - $3::timestamptz) / "
    "86400)::text, 'never')), '' order by b.balance_type)"
    "  from ledger.balance b where b.shard = a.shard and b.account_id = a.account_id),"
    " (select string_agg(line, '' order by line) from (select E'\\nhold' || (select string_agg(concat(' ', "
    "b.balance_type, ' ', l.amount, ' ', l.captured), '' order by l.leg_no) from ledger.hold_leg l join "
    "ledger.balance b on b.shard = h.shard and b.account_id = h.account_id and b.balance_no = l.balance_no "
    "where "
    "l.shard = h.shard and l.hold_id = h.hold_id) collate \"C\" as line from ledger.hold h where h.shard = "
    "a.shard and "
    "h.account_id = a.account_id and h.state = 'open' and h.expires_at > clock_timestamp()) x))"
    " from ledger.account a where a.shard = $1 and a.account_id = $2";

const char* const contra_totals_query =
    "select coalesce(string_agg(line, '' order by line), '') from (select concat(c.contra, ' ', p.name, ' ', "
    "c.unit, ' ', "
    "sum(c.total), E'\\n') collate \"C\" as line from ledger.contra c join ledger.application p using "
    "(application_id)"
    " where p.name <> 'bank' group by c.contra, p.name, c.unit having sum(c.total) <> 0) x";

}  // namespace tests
