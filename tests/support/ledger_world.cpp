// Random requests and events, and the comparison of tables with the oracle.
#include "tests/support/ledger_world.hpp"

#include "tests/support/ledger_audit.hpp"

#include <cstdlib>
#include <iostream>
#include <limits>

namespace tests {
namespace {

const std::map<std::string, Oracle::Type> types{
    {"main", {"EUR", 2, 30}},   {"bonus", {"EUR", 2, 10}}, {"promo", {"EUR", 2, 10}},
    {"data", {"bytes", 0, 20}}, {"gift", {"JPY", 0, 5}},   {"yen", {"JPY", 0, 5}},
};

/// The smallest number is the only one without an opposite, and stays itself.
std::int64_t opposite_of(std::int64_t number) {
    return number == std::numeric_limits<std::int64_t>::min() ? number : -number;
}

}  // namespace

std::uint64_t seed_of_this_run() {
    const char* given = std::getenv("LEDGER_SEED");
    const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::cout << "LEDGER_SEED=" << seed << std::endl;
    return seed;
}

std::size_t steps_of_this_run(const char* variable, std::size_t otherwise) {
    const char* given = std::getenv(variable);
    return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

World::World(std::uint64_t seed, std::size_t accounts, bool with_volumes)
    : random_(seed),
      with_volumes_(with_volumes),
      bench_(with_full_lanes()),
      session_(bench_.session()),
      oracle_(types) {
    for (const auto& [name, type] : types) {
        session_.exec("select ledger.define_balance_type('example.com', $1, $2, $3)",
                      base::sql::params(name, type.unit, type.priority));
    }
    // Durability is not what is tested here, and the disk's pace would be the run's.
    session_.exec(
        "do $$ begin execute format('alter database %I set synchronous_commit = off', "
        "current_database()); end $$");
    session_.exec(metered_tariff);
    start_ = bench_.value("select clock_timestamp()");
    shop_ = static_cast<std::int32_t>(std::stoi(bench_.value("select ledger.application_id('shop')")));
    while (accounts_.size() < accounts) open_account();
}

/// What comes at once goes through both lanes, and the second one comes and goes.
ledger::Options World::with_full_lanes() {
    auto options = LedgerBench::default_options();
    options.lane.fill = 3;
    return options;
}

void World::open_account() {
    const bool spending = accounts_.size() % 2 == 0;
    accounts_.push_back(bench_.open_account(spending));
    const auto index = oracle_.open_account(spending, {"main", "bonus", "data"});
    for (const auto& [type, posted] : {std::pair{"main", 10'000}, {"bonus", 1'000}, {"data", 1'000'000}}) {
        auto& balance = oracle_.account(index).balances.at(type);
        balance.posted = posted;
        balance.rows = 1;
    }
}

void World::choose_balance(Asked& asked) {
    static const std::vector<std::string> names{"main", "main", "bonus", "promo", "data", "yen", "gift"};
    if (chance(50)) return;
    asked.type = chance(3) ? "nonsense" : names[below(names.size())];
}

void World::choose_amount(Asked& asked) {
    const bool whole = asked.type && types.contains(*asked.type) && types.at(*asked.type).unit != "EUR";
    if (chance(50)) asked.unit = whole ? types.at(*asked.type).unit : "EUR";
    if (!asked.type && chance(15)) asked.unit = chance(50) ? "JPY" : "bytes";
    if (chance(2)) asked.unit = "USD";
    static const std::vector<const char*> odd{"0",
                                              "-1",
                                              "-0.01",
                                              "0.001",
                                              "1e",
                                              "9223372036854775807",
                                              "-9223372036854775808",
                                              "10000000000000.01",
                                              "1000000000000000",
                                              "123456789012345678901234567890",
                                              "-123456789012345678901234567890",
                                              "92233720368547758.07"};
    if (chance(4)) {
        asked.amount = base::Decimal::parse(odd[below(odd.size())]).value_or(base::Decimal());
        return;
    }
    const auto size = chance(8) ? 15'000 : chance(50) ? 900 : 3'000;
    const auto minor = static_cast<std::int64_t>(1 + below(static_cast<std::size_t>(size)));
    const bool is_whole = whole || (asked.unit && *asked.unit != "EUR" && *asked.unit != "USD");
    asked.amount = base::Decimal::of_minor(minor, is_whole ? 0 : 2);
}

/// For one of an amount, sometimes; for one on a hold of a volume, always.
void World::choose_volume(Asked& asked) {
    const bool on_hold = asked.kind == Kind::extend || asked.kind == Kind::capture;
    const bool may = asked.kind == Kind::charge || asked.kind == Kind::refund || asked.kind == Kind::hold ||
                     asked.kind == Kind::split;
    if (on_hold ? !oracle_.hold(asked.hold).volume : !may || !with_volumes_ || !chance(30)) return;
    asked.amount = {};
    asked.unit.reset();
    if (chance(4)) {
        static const std::vector<std::int64_t> odd{0,     -1, INT64_MAX, INT64_MIN, 1'000'000'000'000'001,
                                                   40'000};
        asked.volume = odd[below(odd.size())];
    } else {
        asked.volume = static_cast<std::int64_t>(1 + below(chance(50) ? 12 : 400));
    }
    if (asked.kind == Kind::extend && chance(40) && *asked.volume > 0) asked.volume = -*asked.volume;
    if (!on_hold && chance(40)) asked.counted = chance(10) ? "miles" : "bytes";
}

/// Mostly one that was asked for.
void World::choose_charge(Asked& asked) {
    asked.unlinked = chance(50);
    if (chance(10) || asked_before_.empty()) return;
    const Asked* charge = nullptr;
    for (int i = 0; i < 8; ++i) {
        charge = &asked_before_[below(asked_before_.size())];
        if (charge->kind == Kind::charge || charge->kind == Kind::capture || charge->kind == Kind::split)
            break;
    }
    asked.original = charge->reference;
    asked.account = charge->account;
    if (charge->kind == Kind::split) asked.account = charge->shares[below(charge->shares.size())].first;
    if (chance(70)) asked.type.reset();
}

/// One that was asked for; splits, which are rare, more often than they come.
void World::choose_undone(Asked& asked) {
    const Asked* of = nullptr;
    const auto tries = chance(30) ? 10 : 1;
    for (int i = 0; i < tries; ++i) {
        of = &asked_before_[below(asked_before_.size())];
        if (of->kind == Kind::split) break;
    }
    undo(asked, *of);
}

void World::undo(Asked& asked, const Asked& of) {
    asked.undone = of.kind == Kind::reversal ? Kind::charge : of.kind;
    asked.account = of.account;
    asked.to = of.to;
    asked.original = of.reference;
    asked.amount = {};
    asked.unit.reset();
    asked.type.reset();
    if (asked.undone != Kind::split) return;
    asked.shares = of.shares;  // whom it touches
    const auto rows = session_.exec("select ledger.split_shard($1, $2)",
                                    base::sql::params(std::int64_t{shop_}, *asked.original));
    asked.keeper = static_cast<std::int16_t>(rows.integer(0, 0));
}

Asked World::random_request() {
    if (!asked_before_.empty() && chance(8)) return asked_before_[below(asked_before_.size())];
    static const std::vector<Kind> kinds{Kind::charge,  Kind::charge,   Kind::charge,     Kind::refund,
                                         Kind::refund,  Kind::credit,   Kind::credit,     Kind::hold,
                                         Kind::hold,    Kind::hold,     Kind::extend,     Kind::extend,
                                         Kind::capture, Kind::capture,  Kind::capture,    Kind::release,
                                         Kind::split,   Kind::transfer, Kind::adjustment, Kind::reversal};
    Asked asked;
    asked.kind = kinds[below(kinds.size())];
    const bool on_hold =
        asked.kind == Kind::extend || asked.kind == Kind::capture || asked.kind == Kind::release;
    if (on_hold && hold_ids_.empty()) asked.kind = Kind::hold;
    asked.account = chance(30) ? 0 : below(accounts_.size());
    asked.reference = chance(4) ? "again" + std::to_string(below(40)) : "r" + std::to_string(++references_);
    choose_balance(asked);
    choose_amount(asked);
    if (on_hold && asked.kind != Kind::hold) {
        asked.hold = hold_ids_.size() - 1 - below(std::min<std::size_t>(hold_ids_.size(), 40));
        asked.account = oracle_.hold(asked.hold).account;
        if (chance(80)) asked.type.reset();
        if (asked.kind == Kind::extend && chance(40))
            asked.amount.unscaled = opposite_of(asked.amount.unscaled);
        if (asked.kind == Kind::release) {
            asked.amount = {};
            asked.unit.reset();
            asked.type.reset();
        }
    }
    if (asked.kind == Kind::refund) {
        choose_charge(asked);
    } else if (asked.kind == Kind::credit) {
        if (chance(30)) asked.period = static_cast<int>(1 + below(40));
    } else if (asked.kind == Kind::transfer) {
        asked.to = below(accounts_.size());
        if (asked.type && chance(80)) asked.to_type = asked.type;
    } else if (asked.kind == Kind::adjustment) {
        if (chance(50))
            asked.amount.unscaled =
                std::max(opposite_of(asked.amount.unscaled), -std::int64_t{1'000'000'000'000});
    } else if (asked.kind == Kind::split) {
        asked.account = 0;  // of no meaning: a split's key has none
        const int cut = static_cast<int>(1 + below(99));
        const int second = static_cast<int>(below(static_cast<std::size_t>(101 - cut)));
        asked.shares = {{below(accounts_.size()), cut}, {below(accounts_.size()), second}};
        if (cut + second < 100) asked.shares.emplace_back(below(accounts_.size()), 100 - cut - second);
        if (second == 0 && chance(70)) asked.shares.erase(asked.shares.begin() + 1);
    } else if (asked.kind == Kind::reversal && !asked_before_.empty()) {
        choose_undone(asked);
    }
    if (asked.kind == Kind::reversal && !asked.original) asked.original = "none";
    choose_volume(asked);
    return remember(std::move(asked));
}

Asked World::reversal_of(const Asked& of) {
    Asked asked;
    asked.kind = Kind::reversal;
    asked.reference = "r" + std::to_string(++references_);
    undo(asked, of);
    return remember(std::move(asked));
}

/// For copies and for requests that name it.
Asked World::remember(Asked asked) {
    asked_before_.push_back(asked);
    if (asked_before_.size() > 600) asked_before_.erase(asked_before_.begin(), asked_before_.begin() + 300);
    return asked;
}

std::string World::where(std::size_t index) const {
    return std::to_string(accounts_.at(index)->shard) + "::smallint, " +
           std::to_string(accounts_.at(index)->id);
}

std::string World::random_event() {
    const auto index = below(accounts_.size());
    auto& account = oracle_.account(index);
    const auto what = below(20);
    if (what < 10) return change_account(index);
    if (what < 14) {
        if (hold_ids_.empty()) return {};
        const auto hold = hold_ids_.size() - 1 - below(std::min<std::size_t>(hold_ids_.size(), 60));
        if (!oracle_.hold(hold).open) return {};
        session_.exec("update ledger.hold set expires_at = clock_timestamp() where hold_id = $1",
                      base::sql::params(base::hex(hold_ids_[hold].id)));
        session_.exec(
            "update ledger.account a set next_hold_expiry = (select min(h.expires_at) from ledger.hold h "
            "where "
            "h.shard = a.shard and h.account_id = a.account_id and h.state = 'open') where account_id = $1",
            base::sql::params(accounts_[oracle_.hold(hold).account]->id));
        oracle_.expire_hold(hold);
        return {};
    }
    if (what < 18) return sweep(index);
    if (account.balances.empty() || below(10) > 0) return {};
    const auto expected = oracle_.close(index);
    const auto got = bench_.value("select ledger.close_account(" + where(index) +
                                  ", ledger.application_id('operator'), '')");
    if (expected == "posted") {
        auto closed = std::make_shared<ledger::Account>(*accounts_[index]);
        closed->epoch = 0;  // named by its number: it has no address any more
        accounts_[index] = std::move(closed);
        open_account();
    }
    return got == expected ? "" : "closing: " + got + " instead of " + expected;
}

std::string World::change_account(std::size_t index) {
    auto& account = oracle_.account(index);
    auto at = account.balances.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(account.balances.size())));
    auto& [name, balance] = *at;
    switch (below(5)) {
        case 0:
            balance.limit = static_cast<std::int64_t>(below(3)) * 2'500;
            session_.exec("select ledger.set_credit_limit(" + where(index) + ", $1, $2)",
                          base::sql::params(name, balance.limit));
            break;
        case 1:
            account.spending = !account.spending;
            session_.exec("select ledger.set_spending_order(" + where(index) + ", $1)",
                          base::sql::params(account.spending));
            break;
        case 2:
            account.main = chance(60) ? "main" : name;
            session_.exec("select ledger.set_default_balance(" + where(index) + ", $1)",
                          base::sql::params(account.main));
            break;
        case 3:
            if (account.state == Oracle::State::closed) break;
            account.state = chance(30) ? Oracle::State::suspended : Oracle::State::active;
            session_.exec("select ledger.set_suspended(" + where(index) + ", $1)",
                          base::sql::params(account.state == Oracle::State::suspended));
            break;
        default:
            if (!chance(20)) break;
            balance.expiry = {-10, 0};
            session_.exec(
                "update ledger.balance set expires_at = $1::timestamptz - interval '10 days' where shard = "
                "$2 "
                "and account_id = $3 and balance_type = $4",
                base::sql::params(start_, std::int64_t{accounts_[index]->shard}, accounts_[index]->id, name));
    }
    return {};
}

std::string World::sweep(std::size_t index) {
    const auto shard = accounts_[index]->shard;
    session_.exec("select ledger.sweep_holds($1, 1000)", base::sql::params(std::int64_t{shard}));
    const auto swept =
        session_
            .exec("select ledger.sweep_balances($1, '5 days', 1000)", base::sql::params(std::int64_t{shard}))
            .integer(0, 0);
    std::int64_t expected = 0;
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        if (accounts_[i]->shard != shard) continue;
        for (const auto& [name, balance] : oracle_.account(i).balances)
            expected += oracle_.sweep_balance(i, name, 5);
    }
    return swept == expected
               ? ""
               : "swept " + std::to_string(swept) + " balances instead of " + std::to_string(expected);
}

ledger::HoldPtr World::hold_of(const Asked& asked) const {
    ledger::HoldFacts facts{hold_ids_.at(asked.hold), accounts_.at(asked.account), "shop", {}};
    facts.of_volume = oracle_.hold(asked.hold).volume.has_value();
    return std::make_shared<const ledger::HoldFacts>(std::move(facts));
}

Request World::volume_request_of(const Asked& asked) const {
    ledger::Volume volume{*asked.volume, {}};
    if (asked.counted) volume.parameters = {{"unit", *asked.counted}};
    const auto fill = [&](auto request) {
        request.origin = by_shop(asked.reference);
        request.balance_type = asked.type;
        return request;
    };
    if (asked.kind == Kind::extend || asked.kind == Kind::capture) {
        const auto of_hold = [&](auto request) {
            request.hold = hold_of(asked);
            request.volume = *asked.volume;
            return request;
        };
        if (asked.kind == Kind::extend) return of_hold(fill(ledger::ExtendVolume{}));
        return of_hold(fill(ledger::CaptureVolume{}));
    }
    if (asked.kind == Kind::split) {
        auto request = fill(ledger::SplitVolume{});
        for (const auto& [index, percent] : asked.shares)
            request.shares.push_back({accounts_.at(index), percent});
        request.volume = std::move(volume);
        return request;
    }
    const auto of_account = [&](auto request) {
        request.account = accounts_.at(asked.account);
        request.volume = std::move(volume);
        return request;
    };
    if (asked.kind == Kind::hold) return of_account(fill(ledger::PlaceVolume{}));
    if (asked.kind == Kind::charge) return of_account(fill(ledger::ChargeVolume{}));
    auto refund = of_account(fill(ledger::RefundVolume{}));
    refund.original_reference = asked.original;
    refund.unlinked_allowed = asked.unlinked;
    return refund;
}

Request World::request_of(const Asked& asked) const {
    if (asked.volume) return volume_request_of(asked);
    const auto& account = accounts_.at(asked.account);
    const ledger::Amount value{asked.amount, asked.unit};
    switch (asked.kind) {
        case Kind::charge:
            return a_charge(account, asked.reference, value, asked.type);
        case Kind::refund: {
            auto refund = a_refund(account, asked.reference, "", value, asked.type);
            refund.original_reference = asked.original;
            refund.unlinked_allowed = asked.unlinked;
            return refund;
        }
        case Kind::credit:
            return a_credit(account, asked.reference, value, asked.type, asked.period);
        case Kind::hold:
            return a_place(account, asked.reference, value, asked.type);
        case Kind::extend:
            return an_extension(hold_of(asked), asked.reference, value, asked.type);
        case Kind::capture:
            return a_capture(hold_of(asked), asked.reference, value, asked.type);
        case Kind::release:
            return a_release(hold_of(asked), asked.reference);
        case Kind::adjustment:
            return an_adjustment(account, asked.reference, value, asked.type);
        case Kind::transfer:
            return a_transfer(account, accounts_.at(asked.to), asked.reference, value, asked.type,
                              asked.to_type);
        case Kind::reversal: {
            auto of = account;
            if (asked.keeper) {
                ledger::Account nobody;
                nobody.shard = *asked.keeper;
                of = std::make_shared<const ledger::Account>(std::move(nobody));
            }
            return a_reversal(std::move(of), asked.reference, to_string(asked.undone),
                              asked.original.value());
        }
        case Kind::split:
            break;
    }
    std::vector<ledger::Split::Share> shares;
    for (const auto& [index, percent] : asked.shares) shares.push_back({accounts_.at(index), percent});
    return a_split(std::move(shares), asked.reference, value, asked.type);
}

ledger::Posting World::posting_of(const Asked& asked) {
    using ledger::Operation;
    static const std::map<Kind, Operation> operations{
        {Kind::charge, Operation::charge},  {Kind::refund, Operation::refund},
        {Kind::credit, Operation::credit},  {Kind::hold, Operation::hold},
        {Kind::extend, Operation::extend},  {Kind::capture, Operation::capture},
        {Kind::release, Operation::release}};
    ledger::Posting posting;
    posting.operation = operations.at(asked.kind);
    posting.account = accounts_.at(asked.account);
    posting.application = shop_;
    posting.reference = asked.reference;
    posting.balance_type = asked.type;
    posting.amount = {asked.amount, asked.unit};
    posting.contra = asked.kind == Kind::credit ? "funding" : "revenue";
    posting.original_reference = asked.original;
    posting.unlinked_allowed = asked.unlinked;
    posting.period_days = asked.period;
    if (asked.kind == Kind::hold) posting.hold = ledger::HoldId{posting.account->shard, base::random_id()};
    if (asked.kind == Kind::extend || asked.kind == Kind::capture || asked.kind == Kind::release) {
        posting.hold = hold_ids_.at(asked.hold);
    }
    posting.digest = ledger::digest_of(posting);
    return posting;
}

std::vector<std::size_t> World::touched(const Asked& asked) {
    std::vector<std::size_t> result{asked.account};
    const bool undoes = asked.kind == Kind::reversal;
    if ((undoes ? asked.undone : asked.kind) == Kind::transfer) result.push_back(asked.to);
    for (const auto& [account, percent] : asked.shares) result.push_back(account);
    return result;
}

std::string World::compare(const std::vector<std::size_t>& accounts) {
    std::string differences;
    for (const auto index : accounts) {
        const auto rows = session_.exec(
            ledger_state_query,
            base::sql::params(std::int64_t{accounts_[index]->shard}, accounts_[index]->id, start_));
        const std::string tables(rows.text(0, 0));
        const auto expected = oracle_.state(index);
        if (tables != expected) {
            differences +=
                "account " + std::to_string(index) + " is\n" + tables + "\ninstead of\n" + expected + "\n";
        }
    }
    return differences;
}

std::string World::compare_all() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < accounts_.size(); ++i) all.push_back(i);
    auto differences = compare(all) + broken_rules(session_);
    const std::string contra(session_.exec(contra_totals_query).text(0, 0));
    const auto expected = oracle_.contra_totals();
    if (contra != expected) differences += "contra totals are\n" + contra + "instead of\n" + expected;
    return differences;
}

}  // namespace tests
