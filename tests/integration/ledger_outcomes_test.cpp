// Every outcome of every operation that may give it, as a table: one by one, with the books unchanged to the
// byte, and then all at once among charges that must not suffer. What needs trouble (a full queue, a database
// that is away) is in tests/faults, what is about vouchers in ledger_vouchers_test.cpp.
#include "tests/support/ledger_suite.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <sstream>

using namespace tests;

namespace {

using ledger::Refusal;
using Shares = std::vector<ledger::Split::Share>;

/// What a request is made of. Each operation takes of it what it has a place for.
struct Given {
    ledger::AccountPtr account, other;  ///< other: the transfer's second account, the split's second share
    ledger::HoldPtr hold;
    std::string reference;
    ledger::Amount amount = euro("1");
    ledger::BalanceType type;
    ledger::Volume volume{1, {}};
    std::optional<std::string> original;
    std::optional<std::int32_t> period;
    std::optional<Shares> shares;
    std::string application = "shop", description = "test", code;
};

struct Operation {
    std::string name;
    std::function<Request(const Given&)> make;
};

Shares shares_of(const Given& g) { return g.shares.value_or(Shares{{g.account, 50}, {g.other, 50}}); }

ledger::Amount negative(ledger::Amount value) {
    value.value.unscaled = -value.value.unscaled;
    return value;
}

ledger::Refund refund_of(const Given& g, bool unlinked) {
    auto request = a_refund(g.account, "", "", g.amount, g.type);
    request.original_reference = g.original;
    request.unlinked_allowed = unlinked;
    return request;
}

template <class T>
T of_volume(const Given& g) {
    T request;
    request.account = g.account;
    request.volume = g.volume;
    request.balance_type = g.type;
    return request;
}

template <class T>
T of_held_volume(const Given& g) {
    T request;
    request.hold = g.hold;
    request.volume = g.volume.value;
    request.balance_type = g.type;
    return request;
}

ledger::RefundVolume volume_refund_of(const Given& g, bool unlinked) {
    auto request = of_volume<ledger::RefundVolume>(g);
    request.original_reference = g.original;
    request.unlinked_allowed = unlinked;
    return request;
}

ledger::Release release_of(const Given& g) {
    auto request = a_release(g.hold, "");
    request.balance_type = g.type;
    return request;
}

ledger::SplitVolume volume_split_of(const Given& g) {
    ledger::SplitVolume request;
    request.shares = shares_of(g);
    request.volume = g.volume;
    request.balance_type = g.type;
    return request;
}

const std::vector<Operation> operations{
    {"charge", [](const Given& g) { return a_charge(g.account, "", g.amount, g.type); }},
    {"refund", [](const Given& g) { return refund_of(g, false); }},
    {"unlinked", [](const Given& g) { return refund_of(g, true); }},
    {"credit", [](const Given& g) { return a_credit(g.account, "", g.amount, g.type, g.period); }},
    {"new", [](const Given& g) { return a_credit(g.account, "", g.amount, g.type, g.period); }},
    {"place", [](const Given& g) { return a_place(g.account, "", g.amount, g.type); }},
    {"extend", [](const Given& g) { return an_extension(g.hold, "", g.amount, g.type); }},
    {"give_back", [](const Given& g) { return an_extension(g.hold, "", negative(g.amount), g.type); }},
    {"capture", [](const Given& g) { return a_capture(g.hold, "", g.amount, g.type); }},
    {"release", [](const Given& g) { return release_of(g); }},
    {"adjust", [](const Given& g) { return an_adjustment(g.account, "", g.amount, g.type); }},
    {"take", [](const Given& g) { return an_adjustment(g.account, "", negative(g.amount), g.type); }},
    {"transfer", [](const Given& g) { return a_transfer(g.account, g.other, "", g.amount, g.type); }},
    {"receive", [](const Given& g) { return a_transfer(g.other, g.account, "", g.amount, {}, g.type); }},
    {"split", [](const Given& g) { return a_split(shares_of(g), "", g.amount, g.type); }},
    {"reverse", [](const Given& g) { return a_reversal(g.account, "", "charge", g.original.value()); }},
    {"undo", [](const Given& g) { return a_reversal(g.account, "", "credit", g.original.value()); }},
    {"v_charge", [](const Given& g) { return of_volume<ledger::ChargeVolume>(g); }},
    {"v_refund", [](const Given& g) { return volume_refund_of(g, false); }},
    {"v_unlinked", [](const Given& g) { return volume_refund_of(g, true); }},
    {"v_place", [](const Given& g) { return of_volume<ledger::PlaceVolume>(g); }},
    {"v_extend", [](const Given& g) { return of_held_volume<ledger::ExtendVolume>(g); }},
    {"v_give_back",
     [](const Given& g) {
         auto request = of_held_volume<ledger::ExtendVolume>(g);
         request.volume = -request.volume;
         return request;
     }},
    {"v_capture", [](const Given& g) { return of_held_volume<ledger::CaptureVolume>(g); }},
    {"v_split", [](const Given& g) { return volume_split_of(g); }},
};

// Lists of operations, by what they have in common.
const std::string on_account =
    " charge refund unlinked credit new place adjust take transfer receive split reverse undo v_charge "
    "v_refund"
    " v_unlinked v_place v_split ";
const std::string by_address =
    " charge refund unlinked credit new place adjust take transfer receive split v_charge v_refund "
    "v_unlinked "
    "v_place v_split ";
const std::string on_hold = " extend give_back capture release v_extend v_give_back v_capture ";
const std::string of_amount =
    " charge refund unlinked credit new place extend give_back capture adjust take transfer receive split ";
const std::string of_positive_amount =
    " charge refund unlinked credit new place capture transfer receive split ";
const std::string of_any_volume =
    " v_charge v_refund v_unlinked v_place v_extend v_give_back v_capture v_split ";
const std::string with_parameters = " v_charge v_refund v_unlinked v_place v_split ";
const std::string spending = " charge place extend transfer split v_charge v_place v_extend v_split ";
const std::string all = on_account + on_hold;

/// `text` without the words of `less`.
std::string without(const std::string& text, const std::string& less) {
    std::istringstream words(text);
    std::string result;
    for (std::string word; words >> word;) {
        if ((' ' + less + ' ').find(' ' + word + ' ') == std::string::npos) result += ' ' + word + ' ';
    }
    return result;
}

/// One reason for a refusal, and the operations that must give it.
struct Cause {
    Refusal refusal;
    std::string name;
    std::string operations;
    std::function<void(Given&)> spoil;  ///< makes of a good request one that is refused
};

struct Cell {
    std::string name, expected;
    Request request;
};

class LedgerOutcomes : public LedgerSuite {
  protected:
    void SetUp() override {
        LedgerSuite::SetUp();
        bench().exec("select ledger.define_balance_type('example.com', 'fresh', 'EUR', 5)");
        bench().exec(
            "select ledger.add_tariff('bytes', null, null, 'bytes', null, null, null, 'EUR', 1, 1, 0, 0, "
            "'{0}', "
            "'{1}', null, null)");
        other_ = bench().open_account();
        prepare(account_);
    }

    /// Something for every operation to work on: charges, credits and holds.
    void prepare(const ledger::AccountPtr& account) {
        good(a_charge(account, "paid", euro("5")));
        good(a_charge(account, "given back in part", euro("5")));
        good(a_refund(account, "part", "given back in part", euro("1")));
        good(a_charge(account, "to undo", euro("1")));
        good(a_charge(account, "undone", euro("1")));
        good(a_reversal(account, "undoing", "charge", "undone"));
        good(a_credit(account, "added", euro("5")));
        good(a_credit(account, "added too", euro("5")));
        Given g;
        g.account = account;
        g.volume.value = 5;
        good(with_origin(of_volume<ledger::ChargeVolume>(g), "paid by volume"));
        Holds holds;
        holds.amount = hold(account, euro("10"));
        holds.volume = hold_volume(account, 10);
        holds.ended = hold(account, euro("1"));
        good(a_release(holds.ended, "ended"));
        holds.ended_volume = hold_volume(account, 1);
        good(a_release(holds.ended_volume, "ended too"));
        holds.swept = hold(account, euro("1"));
        holds.swept_volume = hold_volume(account, 1);
        make_due(holds.swept);
        make_due(holds.swept_volume);
        bench().exec("select ledger.sweep_holds(" + std::to_string(account->shard) + "::smallint, 10)");
        holds_[account->id] = holds;
    }

    struct Holds {
        ledger::HoldPtr amount, volume, ended, ended_volume, swept, swept_volume;
    };

    template <class T>
    static Request with_origin(T request, std::string reference) {
        request.origin = by_shop(std::move(reference));
        return request;
    }
    static void good(Request request) { ASSERT_EQ(outcome(post(std::move(request))), "posted"); }

    static ledger::HoldPtr hold_volume(const ledger::AccountPtr& account, std::int64_t volume,
                                       const std::string& application = "shop") {
        ledger::PlaceVolume request;
        request.account = account;
        request.origin = by_shop("");
        request.origin.application = application;
        request.volume.value = volume;
        const auto receipt = bench().run(ledger().place_volume(std::move(request)));
        return bench().run(ledger().find_hold(receipt.value().hold.value())).value();
    }

    /// What the operation accepts.
    Given given(const std::string& operation) const {
        Given g;
        g.account = account_;
        g.other = other_;
        g.reference = "bad " + operation;
        const bool volume = operation.starts_with("v_");
        if (on_hold.find(' ' + operation + ' ') != std::string::npos) g.hold = hold_for(g.account, volume);
        if (operation == "refund") g.original = "paid";
        if (operation == "reverse") g.original = "to undo";
        if (operation == "v_refund") g.original = "paid by volume";
        if (operation == "undo") g.original = "added";
        if (operation == "new") g.type = "fresh";
        if (operation == "v_unlinked") g.type = "data";
        return g;
    }
    ledger::HoldPtr hold_for(const ledger::AccountPtr& account, bool volume) const {
        const auto& holds = holds_.at(account->id);
        return volume ? holds.volume : holds.amount;
    }
    /// The same on another account.
    void move_to(Given& g, const ledger::AccountPtr& account) const {
        g.account = account;
        if (g.hold) g.hold = hold_for(account, g.hold->of_volume);
    }

    static Request request_of(const Operation& operation, const Given& g) {
        auto request = operation.make(g);
        std::visit(
            [&](auto& r) {
                r.origin.application = g.application;
                r.origin.reference = g.reference;
                r.origin.description = g.description;
                r.origin.code = g.code;
            },
            request);
        return request;
    }

    void add(const Cause& cause) {
        std::istringstream names(cause.operations);
        for (std::string name; names >> name;) {
            const auto operation = std::ranges::find(operations, name, &Operation::name);
            ASSERT_NE(operation, operations.end()) << name;
            auto g = given(name);
            cause.spoil(g);
            cells_.push_back(
                {name + ", " + cause.name, std::string(to_string(cause.refusal)), request_of(*operation, g)});
            seen_.insert(cause.refusal);
        }
    }

    void add_texts();
    void add_amounts();
    void add_accounts();
    void add_requests();
    void add_limits();

    /// What the cells' accounts have; what happens to `neighbours` is none of it.
    static std::string books(const std::vector<ledger::AccountPtr>& neighbours) {
        std::string ids = "0";
        for (const auto& each : neighbours) ids += ',' + std::to_string(each->id);
        std::string parts;
        for (const std::string table : {"balance", "journal", "request", "hold", "account"}) {
            parts += "(select string_agg(t::text, '|' order by t::text) from ledger." + table +
                     " t where t.account_id not in (" + ids + ")),";
        }
        return bench().value("select md5(concat(" + parts + "''))");
    }

    ledger::AccountPtr other_;
    std::map<std::int64_t, Holds> holds_;
    std::vector<Cell> cells_;
    std::set<Refusal> seen_;
    std::string full_posted_;
    ledger::AccountPtr full_;
};

void LedgerOutcomes::add_texts() {
    static const std::vector<std::string> unfit{"\xff", std::string("a\0b", 3), std::string(2000, 'x'),
                                                "\xed\xa0\x80"};
    const std::string keyless = "place extend give_back release v_place v_extend v_give_back";
    add({Refusal::invalid_reference, "none", without(all, keyless), [](Given& g) { g.reference = ""; }});
    for (const auto& text : unfit) {
        add({Refusal::invalid_reference, "unfit", all, [&](Given& g) { g.reference = text; }});
        add({Refusal::invalid_text, "description", all, [&](Given& g) { g.description = text; }});
        add({Refusal::invalid_text, "code", without(all, "reverse undo"), [&](Given& g) { g.code = text; }});
        add({Refusal::unknown_balance, "unfit", without(all, "new reverse undo"),
             [&](Given& g) { g.type = text; }});
        add({Refusal::wrong_unit, "unfit", of_amount, [&](Given& g) { g.amount.unit = text; }});
        add({Refusal::invalid_parameters, "name", with_parameters, [&](Given& g) {
                 g.volume.parameters = {{text, "x"}};
             }});
        add({Refusal::invalid_parameters, "value", with_parameters, [&](Given& g) {
                 g.volume.parameters = {{"x", text}};
             }});
        add({Refusal::unknown_charge, "unfit", "refund unlinked reverse undo v_refund v_unlinked",
             [&](Given& g) { g.original = text; }});
    }
    add({Refusal::invalid_parameters, "two values", with_parameters, [](Given& g) {
             g.volume.parameters = {{"unit", "bytes"}, {"unit", "seconds"}};
         }});
    add({Refusal::invalid_parameters, "too many", with_parameters, [](Given& g) {
             g.volume.parameters.assign(33, {"x", "y"});
         }});
}

void LedgerOutcomes::add_amounts() {
    add({Refusal::wrong_unit, "other currency", of_amount, [](Given& g) { g.amount.unit = "USD"; }});
    add({Refusal::wrong_unit, "lower case", of_amount, [](Given& g) { g.amount.unit = "eur"; }});
    add({Refusal::not_positive, "0", of_amount, [](Given& g) { g.amount = euro("0"); }});
    add({Refusal::not_positive, "0.00", of_amount, [](Given& g) { g.amount = euro("0.00"); }});
    add({Refusal::too_many_decimals, "0.001", of_amount, [](Given& g) { g.amount = euro("0.001"); }});
    for (const auto* below : {"-1", "-92233720368547758.08", "-123456789012345678901234567890"}) {
        add({Refusal::not_positive, below, of_positive_amount, [=](Given& g) { g.amount = euro(below); }});
    }
    for (const auto* huge : {"10000000000000.01", "92233720368547758.07", "92233720368547758.08",
                             "9223372036854775807", "123456789012345678901234567890"}) {
        add({Refusal::too_large, huge, of_amount, [=](Given& g) { g.amount = euro(huge); }});
    }
    add({Refusal::not_positive, "0", of_any_volume, [](Given& g) { g.volume.value = 0; }});
    for (const auto below : {std::int64_t{-1}, INT64_MIN}) {
        add({Refusal::not_positive, "below 0", without(of_any_volume, "v_extend v_give_back"),
             [=](Given& g) { g.volume.value = below; }});
    }
    add({Refusal::too_large, "2^63 - 1", "v_charge v_unlinked v_place v_extend v_split", [](Given& g) {
             g.volume.value = INT64_MAX;
             if (g.type) g.volume.value = 1'000'000'000'000'001;
         }});
    add({Refusal::not_positive, "a share of nothing", "split", [](Given& g) { g.amount = euro("0.01"); }});
    add({Refusal::insufficient_funds, "1000", "charge place extend take transfer split",
         [](Given& g) { g.amount = euro("1000"); }});
    add({Refusal::insufficient_funds, "1000", "v_charge v_place v_extend v_split",
         [](Given& g) { g.volume.value = 1000; }});
    add({Refusal::beyond_hold, "more", "capture", [](Given& g) { g.amount = euro("10.01"); }});
    add({Refusal::excess_give_back, "more", "give_back", [](Given& g) { g.amount = euro("10.01"); }});
    add({Refusal::beyond_charge, "more", "refund", [](Given& g) { g.amount = euro("5.01"); }});
    for (const auto more : {std::int64_t{11}, INT64_MAX}) {
        const auto spoil = [=](Given& g) { g.volume.value = more; };
        add({Refusal::beyond_hold, "more", "v_capture", spoil});
        add({Refusal::excess_give_back, "more", "v_give_back", spoil});
        add({Refusal::beyond_charge, "more", "v_refund", spoil});
    }
    const auto by_code = [](const std::string& code) {
        return [=](Given& g) {
            g.amount.by_code = true;
            g.code = code;
        };
    };
    const std::string priced = "charge refund unlinked credit place extend capture split";
    add({Refusal::unknown_price, "a code without", priced, by_code("nonesuch")});
    add({Refusal::unknown_price, "no code", priced, by_code("")});
    add({Refusal::no_tariff, "no such unit", "v_charge v_place v_split", [](Given& g) {
             g.volume.parameters = {{"unit", "miles"}};
         }});
    for (const std::int32_t days : {0, -1, 36'501, INT32_MAX}) {
        add({Refusal::invalid_period, "period", "credit new", [=](Given& g) { g.period = days; }});
    }
}

void LedgerOutcomes::add_accounts() {
    const auto at = [](const ledger::AccountPtr& account, std::int64_t id, int more_epochs) {
        ledger::Account changed = *account;
        changed.id = id;
        changed.epoch = more_epochs < 0 ? 0 : changed.epoch + more_epochs;
        return std::make_shared<const ledger::Account>(changed);
    };
    const auto nobody = at(account_, 999'999'999, -1);
    const auto moved = at(account_, account_->id, 1);
    const auto other_moved = at(other_, other_->id, 1);
    // Accounts are never deleted; of splits it is their balances that are looked for first.
    add({Refusal::unknown_account, "nobody", without(by_address, "split"),
         [=](Given& g) { g.account = nobody; }});
    add({Refusal::unknown_account, "nobody else", "transfer receive", [=](Given& g) { g.other = nobody; }});
    add({Refusal::stale_address, "moved", by_address, [=](Given& g) { g.account = moved; }});
    add({Refusal::stale_address, "moved", "transfer receive split v_split",
         [=](Given& g) { g.other = other_moved; }});

    const auto suspended = bench().open_account();
    prepare(suspended);
    bench().exec("select ledger.set_suspended(" + key_of(suspended) + ", true)");
    add({Refusal::account_suspended, "it", spending, [&](Given& g) { move_to(g, suspended); }});
    add({Refusal::account_suspended, "the other", "receive split v_split",
         [&](Given& g) { g.other = suspended; }});

    const auto open = bench().open_account();
    prepare(open);
    auto& holds = holds_.at(open->id);
    good(a_capture(holds.amount, "all", euro("10")));
    Given g;
    g.hold = holds.volume;
    g.volume.value = 10;
    good(with_origin(of_held_volume<ledger::CaptureVolume>(g), "all of the volume"));
    ASSERT_EQ(bench().value("select ledger.close_account(" + key_of(open) +
                            ", ledger.application_id('operator'), 'gone')"),
              "posted");
    const auto closed = at(open, open->id, -1);
    add({Refusal::account_closed, "it", all, [&](Given& x) { move_to(x, closed); }});
    add({Refusal::account_closed, "the other", "transfer receive split v_split",
         [&](Given& x) { x.other = closed; }});

    const auto poor = bench().open_account();
    prepare(poor);
    good(a_charge(poor, "all", euro("74")));
    add({Refusal::insufficient_funds, "spent since", "undo", [&](Given& x) { move_to(x, poor); }});

    full_ = bench().open_account();
    prepare(full_);
    full_posted_ =
        bench().value("select posted from ledger.balance where balance_type = 'main' and account_id = " +
                      std::to_string(full_->id));
    add({Refusal::balance_limit, "full", "refund unlinked credit adjust receive reverse v_refund",
         [&](Given& x) { move_to(x, full_); }});
    bench().exec(
        "update ledger.balance set posted = 3999999999999999999 where balance_type = 'main' and account_id "
        "= " +
        std::to_string(full_->id));
}

void LedgerOutcomes::add_requests() {
    const auto& holds = holds_.at(account_->id);
    add({Refusal::unknown_balance, "no such", without(all, "new reverse undo"),
         [](Given& g) { g.type = "nonsense"; }});
    add({Refusal::unknown_balance, "not the hold's", on_hold, [](Given& g) { g.type = "bonus"; }});
    add({Refusal::unknown_balance, "not the charge's", "refund v_refund",
         [](Given& g) { g.type = "bonus"; }});

    add({Refusal::unknown_hold, "released", on_hold,
         [&](Given& g) { g.hold = g.hold->of_volume ? holds.ended_volume : holds.ended; }});
    add({Refusal::unknown_hold, "expired", on_hold,
         [&](Given& g) { g.hold = g.hold->of_volume ? holds.swept_volume : holds.swept; }});
    add({Refusal::unknown_hold, "of the other kind", without(on_hold, "release"),
         [&](Given& g) { g.hold = g.hold->of_volume ? holds.amount : holds.volume; }});
    add({Refusal::unknown_hold, "of somebody else", on_hold, [](Given& g) { g.application = "other"; }});
    add({Refusal::unknown_hold, "never made", on_hold, [](Given& g) {
             auto facts = *g.hold;
             facts.id.id = base::random_id();
             g.hold = std::make_shared<const ledger::HoldFacts>(facts);
         }});

    const std::string linked = "refund unlinked reverse undo v_refund v_unlinked";
    add({Refusal::unknown_charge, "never made", linked, [](Given& g) { g.original = "never"; }});
    add({Refusal::unknown_charge, "of somebody else", "refund unlinked v_refund v_unlinked", [](Given& g) {
             g.original = "paid";
             g.application = "other";
         }});
    add({Refusal::refund_not_linked, "no charge", "refund v_refund", [](Given& g) { g.original.reset(); }});
    add({Refusal::beyond_charge, "undone", "refund reverse", [](Given& g) { g.original = "undone"; }});
    add({Refusal::beyond_charge, "given back in part", "reverse",
         [](Given& g) { g.original = "given back in part"; }});
    for (const auto& wrong :
         {Shares{}, Shares{{account_, 0}, {other_, 100}}, Shares{{account_, 101}, {other_, -1}},
          Shares{{account_, 50}, {other_, 49}}, Shares{{account_, 50}, {other_, 51}}}) {
        add({Refusal::invalid_shares, "percents", "split v_split", [&](Given& g) { g.shares = wrong; }});
    }

    // Each good request as it is, and once more under the same reference with something else in it.
    const auto second = hold(account_, euro("10"));
    const auto second_volume = hold_volume(account_, 10);
    for (const auto& operation : operations) {
        auto g = given(operation.name);
        g.reference = "good " + operation.name;
        if (operation.name == "release") g.hold = hold(account_, euro("1"));
        ASSERT_EQ(ask(request_of(operation, g)), "posted") << operation.name;
        ASSERT_EQ(ask(request_of(operation, g)), "replayed") << operation.name;
    }
    add({Refusal::reference_conflict, "other content", all, [&](Given& g) {
             g.reference.replace(0, 3, "good");
             g.amount = euro("2");
             g.volume.value = 2;
             if (g.hold) g.hold = g.hold->of_volume ? second_volume : second;
             if (g.original == "to undo") g.original = "given back in part";
             if (g.original == "added") g.original = "added too";
         }});
}

void LedgerOutcomes::add_limits() {
    const auto by_capped = [](auto request) {
        request.origin.application = "capped";
        return request;
    };
    good(by_capped(a_charge(account_, "paid", euro("5"))));
    good(by_capped(a_charge(account_, "to undo", euro("5"))));
    Given paid;
    paid.account = account_;
    paid.volume.value = 5;
    auto by_volume = of_volume<ledger::ChargeVolume>(paid);
    by_volume.origin = by_shop("paid by volume");
    good(by_capped(by_volume));
    const auto placed = post(by_capped(a_place(account_, "", euro("5"))));
    const auto of_amounts = bench().run(ledger().find_hold(placed.value().hold.value())).value();
    const auto of_volumes = hold_volume(account_, 5, "capped");
    bench().exec("select ledger.set_limit('capped', 'amount_per_request', 'EUR', 50)");
    bench().exec("select ledger.set_limit('capped', 'amount_per_request', 'bytes', 0)");
    ledger().forget_limits();
    add({Refusal::over_limit, "a request's amount",
         "charge refund unlinked credit new place extend capture split v_charge v_refund v_unlinked v_place "
         "v_extend v_capture v_split",
         [&](Given& g) {
             g.application = "capped";
             if (g.hold) g.hold = g.hold->of_volume ? of_volumes : of_amounts;
         }});
}

TEST_F(LedgerOutcomes, EachOneOfEachOperationChangesNothing) {
    add_accounts();
    add_requests();
    add_texts();
    add_amounts();
    add_limits();

    const auto before = bench().fingerprint();
    for (const auto& cell : cells_) {
        EXPECT_EQ(outcome(post(cell.request)), cell.expected) << cell.name;
        ASSERT_EQ(bench().fingerprint(), before) << cell.name << " changed something";
    }

    // All at once, through two ledgers, among charges of other accounts.
    const auto second = bench().another();
    std::vector<ledger::AccountPtr> neighbours;
    while (neighbours.size() < 20) neighbours.push_back(bench().open_account());
    const auto untouched = books(neighbours);
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        auto& through = i % 2 == 0 ? ledger() : *second;
        const auto& neighbour = neighbours[i % neighbours.size()];
        work.push_back(tests::post(through, cells_[i].request));
        work.push_back(tests::post(through, a_charge(neighbour, "n" + std::to_string(i), euro("0.10"))));
    }
    const auto results = bench().run_all(std::move(work));
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        EXPECT_EQ(outcome(results[2 * i]), cells_[i].expected) << cells_[i].name;
        EXPECT_EQ(outcome(results[2 * i + 1]), "posted") << "beside " << cells_[i].name;
    }
    EXPECT_EQ(books(neighbours), untouched);

    std::set<Refusal> missing;
    for (const auto refusal : ledger::all_refusals()) {
        if (!seen_.contains(refusal)) missing.insert(refusal);
    }
    EXPECT_EQ(missing,
              (std::set{Refusal::unknown_voucher, Refusal::voucher_redeemed, Refusal::voucher_expired,
                        Refusal::voucher_blocked, Refusal::voucher_throttled, Refusal::overloaded,
                        Refusal::unavailable, Refusal::internal}));
    bench().exec("update ledger.balance set posted = " + full_posted_ +
                 " where balance_type = 'main' and account_id = " + std::to_string(full_->id));
}

}  // namespace
