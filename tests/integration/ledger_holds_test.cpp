// Holds: place, extend, capture, release and expire; with enough funds, with the credit limit, and beyond.
#include "ledger/sweeper.hpp"
#include "tests/support/ledger_suite.hpp"

#include <future>
#include <thread>

using namespace tests;

namespace {

class LedgerHolds : public LedgerSuite {};

/// The three amounts of the matrix against main = 100.00 with a credit limit of 50.00.
constexpr int credit_limit = 5000;

TEST_F(LedgerHolds, PlaceWithinFundsTheCreditLimitAndBeyond) {
    set_credit_limit(account_, "main", credit_limit);
    const auto within = hold(account_, euro("100"));
    EXPECT_EQ(state(), "100.00 100.00 50.00");
    const auto with_credit = hold(account_, euro("49.99"));
    EXPECT_EQ(state(), "100.00 149.99 0.01");
    EXPECT_EQ(ask(a_place(account_, "", euro("0.02"))), "insufficient_funds");
    EXPECT_EQ(ask(a_place(account_, "", euro("0.01"))), "posted");
    EXPECT_EQ(ask(a_place(account_, "", euro("0.01"))), "insufficient_funds");
    EXPECT_EQ(hold_state(within), "10000 0 open main:10000-0");
    EXPECT_EQ(hold_state(with_credit), "4999 0 open main:4999-0");
}

TEST_F(LedgerHolds, ExtendWithinFundsTheCreditLimitAndBeyond) {
    set_credit_limit(account_, "main", credit_limit);
    const auto held = hold(account_, euro("60"));
    EXPECT_EQ(ask(an_extension(held, "", euro("40"))), "posted");
    EXPECT_EQ(state(), "100.00 100.00 50.00");
    EXPECT_EQ(ask(an_extension(held, "", euro("49.99"))), "posted");
    EXPECT_EQ(state(), "100.00 149.99 0.01");
    EXPECT_EQ(ask(an_extension(held, "", euro("0.02"))), "insufficient_funds");
    EXPECT_EQ(hold_state(held), "14999 0 open main:14999-0");
}

TEST_F(LedgerHolds, HoweverManyAreDueAtOnceTheyEndPieceByPiece) {
    const auto last = hold(account_, euro("1"));
    const auto id = std::to_string(account_->id);
    bench().exec(
        "with many as (insert into ledger.hold (shard, hold_id, account_id, application_id, unit, amount,"
        "                                       placed_at, expires_at)"
        "  select h.shard, gen_random_uuid(), h.account_id, h.application_id, 'bytes', 1, h.placed_at,"
        "         h.placed_at - interval '1 s'"
        "    from ledger.hold h, generate_series(1, ledger.holds_at_once() + 1) where h.account_id = " +
        id +
        "  returning shard, hold_id),"
        " legs as (insert into ledger.hold_leg (shard, hold_id, leg_no, balance_no, amount)"
        "  select m.shard, m.hold_id, 1, b.balance_no, 1 from many m, ledger.balance b"
        "   where b.account_id = " +
        id + " and b.balance_type = 'data' returning 1)" +
        "update ledger.balance b set held = (select count(*) from legs)"
        " where b.account_id = " +
        id + " and b.balance_type = 'data'");
    bench().exec("update ledger.hold set expires_at = placed_at where hold_id = '" + base::hex(last->id.id) +
                 "'");
    bench().exec("update ledger.account set next_hold_expiry = opened_at where account_id = " + id);
    const auto open = [&] {
        return bench().value("select count(*) from ledger.hold where state = 'open' and account_id = " + id);
    };
    // Those that are left are no less expired.
    EXPECT_EQ(post(a_capture(last, "late", euro("1"))).error(), ledger::Refusal::unknown_hold);
    EXPECT_EQ(open(), "2");
    EXPECT_EQ(post(an_extension(last, "", euro("1"))).error(), ledger::Refusal::unknown_hold);
    EXPECT_EQ(open(), "0");
    EXPECT_EQ(state("data"), "1000000 0 1000000");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
}

TEST_F(LedgerHolds, CapturePartAndAllAndBeyond) {
    set_credit_limit(account_, "main", credit_limit);
    for (const auto* placed : {"40", "100"}) {  // the second one needs the credit limit
        const auto held = hold(account_, euro(placed));
        const auto all = std::stoi(placed);
        const auto rest = std::to_string(all - 15) + ".00";
        const std::string key = std::string("c") + placed;
        EXPECT_EQ(ask(a_capture(held, key + "-1", euro("15"))), "posted");
        EXPECT_EQ(ask(a_capture(held, key + "-2", euro(std::to_string(all - 15) + ".01"))), "beyond_hold");
        EXPECT_EQ(ask(a_capture(held, key + "-3", euro(rest))), "posted");
        EXPECT_EQ(ask(a_capture(held, key + "-4", euro("0.01"))), "beyond_hold");
        const auto minor = std::to_string(all * 100);
        EXPECT_EQ(hold_state(held), minor + " " + minor + " open main:" + minor + "-" + minor);
    }
    EXPECT_EQ(state(), "-40.00 0.00 10.00");
}

TEST_F(LedgerHolds, ReleaseAfterPartAndAllAndTwice) {
    set_credit_limit(account_, "main", credit_limit);
    const auto untouched = hold(account_, euro("20"));
    const auto part = hold(account_, euro("80"));
    const auto all = hold(account_, euro("50"));  // on credit
    EXPECT_EQ(ask(a_capture(part, "p", euro("30"))), "posted");
    EXPECT_EQ(ask(a_capture(all, "a", euro("50"))), "posted");
    EXPECT_EQ(state(), "20.00 70.00 0.00");
    for (const auto& each : {untouched, part, all}) {
        EXPECT_EQ(ask(a_release(each, "")), "posted");
        EXPECT_EQ(ask(a_release(each, "")), "unknown_hold");
        EXPECT_EQ(ask(a_capture(each, "late", euro("1"))), "unknown_hold");
        EXPECT_EQ(ask(an_extension(each, "", euro("1"))), "unknown_hold");
        EXPECT_EQ(ask(an_extension(each, "", euro("-1"))), "unknown_hold");
    }
    EXPECT_EQ(state(), "20.00 0.00 70.00");
}

TEST_F(LedgerHolds, ExpiredHoldsGiveTheirFundsBackWithoutASweep) {
    set_credit_limit(account_, "main", credit_limit);
    const auto untouched = hold(account_, euro("100"));
    const auto part = hold(account_, euro("50"));
    EXPECT_EQ(ask(a_capture(part, "p", euro("20"))), "posted");
    make_due(untouched);
    make_due(part);
    EXPECT_EQ(state(), "80.00 0.00 130.00") << "the view knows what is due";
    EXPECT_EQ(
        bench().value("select count(*) from finance.holds where state = 'expired' and ended_at = expires_at"
                      " and account_id = " +
                      std::to_string(account_->id)),
        "2");
    EXPECT_EQ(outcome(post(a_charge(account_, "all", euro("130")))), "posted")
        << "and so does the next charge";
    EXPECT_EQ(state(), "-50.00 0.00 0.00");
    for (const auto& each : {untouched, part}) {
        EXPECT_EQ(ask(a_capture(each, "late", euro("1"))), "unknown_hold");
        EXPECT_EQ(ask(an_extension(each, "", euro("1"))), "unknown_hold");
        EXPECT_EQ(ask(a_release(each, "")), "unknown_hold");
    }
    EXPECT_EQ(hold_state(part), "5000 2000 expired main:5000-2000");
}

// Beyond: the credit limit that a hold needed is gone. What was promised stays; nothing is added to it.
TEST_F(LedgerHolds, WhatIsHeldStaysUsableWhenItsCreditLimitGoes) {
    set_credit_limit(account_, "main", credit_limit);
    const auto captured = hold(account_, euro("90"));
    const auto released = hold(account_, euro("40"));  // 30 of it on credit
    const auto due = hold(account_, euro("20"));       // all of it on credit
    set_credit_limit(account_, "main", 0);
    EXPECT_EQ(state(), "100.00 150.00 -50.00");
    EXPECT_EQ(ask(a_place(account_, "", euro("0.01"))), "insufficient_funds");
    EXPECT_EQ(ask(an_extension(captured, "", euro("0.01"))), "insufficient_funds");
    EXPECT_EQ(ask(a_capture(captured, "part", euro("10"))), "posted");
    EXPECT_EQ(ask(a_capture(captured, "beyond", euro("80.01"))), "beyond_hold");
    EXPECT_EQ(ask(a_capture(captured, "all", euro("80"))), "posted");
    EXPECT_EQ(state(), "10.00 60.00 -50.00");
    EXPECT_EQ(ask(an_extension(released, "", euro("-5"))), "posted");
    EXPECT_EQ(ask(a_release(released, "")), "posted");
    EXPECT_EQ(state(), "10.00 20.00 -10.00");
    make_due(due);
    EXPECT_EQ(state(), "10.00 0.00 10.00");
    EXPECT_EQ(outcome(post(a_charge(account_, "rest", euro("10")))), "posted");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
    EXPECT_EQ(hold_state(captured), "9000 9000 open main:9000-9000");
    EXPECT_EQ(hold_state(released), "3500 0 released main:3500-0");
    EXPECT_EQ(hold_state(due), "2000 0 expired main:2000-0");
}

TEST_F(LedgerHolds, ADueHoldIsRefusedByTheOperationThatFindsItDue) {
    const auto captured = hold(account_, euro("10"));
    const auto extended = hold(account_, euro("20"));
    const auto released = hold(account_, euro("30"));
    make_due(captured);
    EXPECT_EQ(outcome(post(a_capture(captured, "c", euro("1")))), "unknown_hold");
    EXPECT_EQ(state(), "100.00 50.00 50.00");
    make_due(extended);
    EXPECT_EQ(outcome(post(an_extension(extended, "", euro("1")))), "unknown_hold");
    make_due(released);
    EXPECT_EQ(outcome(post(a_release(released, ""))), "unknown_hold");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
}

TEST_F(LedgerHolds, TheSweepEndsDueHoldsOnly) {
    const auto due = hold(account_, euro("10"));
    const auto open = hold(account_, euro("20"));
    make_due(due);
    const auto sweep = "select ledger.sweep_holds(" + std::to_string(account_->shard) + "::smallint, 10)";
    EXPECT_EQ(bench().value(sweep), "1");
    EXPECT_EQ(bench().value(sweep), "0");
    EXPECT_EQ(hold_state(due), "1000 0 expired main:1000-0");
    EXPECT_EQ(hold_state(open), "2000 0 open main:2000-0");
    EXPECT_EQ(state(), "100.00 20.00 80.00");
}

TEST_F(LedgerHolds, ASweepThatIsToStopFinishesThePieceUnderWay) {
    constexpr int due = 8;
    for (int held = 0; held < due;) {
        const auto account = bench().open_account();
        if (account->shard != account_->shard) continue;
        make_due(hold(account, euro("1")));
        ++held;
    }
    auto other = bench().session();
    base::sql::Transaction blocking(other);
    other.exec("select from ledger.shard where shard = $1 for update",
               base::sql::params(std::int64_t{account_->shard}));
    base::Database::Options pool;
    pool.session.url = bench().url();
    pool.session.statement_timeout = std::chrono::seconds(30);
    base::Database database(pool);
    std::optional<ledger::Sweeper> sweeper;
    sweeper.emplace(ledger::Sweeper::Options{.piece = 1}, database, ledger().shards(), base::Logger());
    const auto waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'sweep_holds'";
    while (bench().value(waiting) != "1") std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::promise<void> told;
    const auto stopped = std::async(std::launch::async, [&] {
        told.set_value();
        sweeper.reset();
    });
    told.get_future().wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a late stop only leaves fewer
    blocking.commit();
    stopped.wait();
    const auto left =
        "select count(*) from ledger.hold where state = 'open' and expires_at < now() and shard = " +
        std::to_string(account_->shard);
    EXPECT_GE(std::stoi(bench().value(left)), due / 2);
    bench().exec("select ledger.sweep_holds(" + std::to_string(account_->shard) + "::smallint, 10)");
}

TEST_F(LedgerHolds, ASweepLooksAtExpiredBalancesNowAndThenOnly) {
    base::Database::Options pool;
    pool.session.url = bench().url();
    pool.session.statement_timeout = std::chrono::seconds(30);
    base::Database database(pool);
    make_expired(account_, "bonus", "31 days");
    const ledger::Sweeper sweeper({.interval = std::chrono::milliseconds(1)}, database, ledger().shards(),
                                  base::Logger());
    const auto comes = [](const auto& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return condition();
    };
    ASSERT_TRUE(comes([&] { return state("bonus") == "0.00 0.00 0.00"; }));
    EXPECT_EQ(outcome(post(a_credit(account_, "late", euro("5"), "bonus"))), "posted");
    for (int round = 0; round < 2; ++round) {
        const auto due = hold(account_, euro("1"));
        make_due(due);
        ASSERT_TRUE(comes([&] { return hold_state(due) == "100 0 expired main:100-0"; }));
    }
    EXPECT_EQ(state("bonus"), "5.00 0.00 0.00") << "each look reads all that ever expired";
}

TEST_F(LedgerHolds, ATimeToLiveOfMillisecondsEndsHoldsByItself) {
    auto options = LedgerBench::default_options();
    options.lane.limits.hold_ttl = std::chrono::milliseconds(20);
    LedgerBench quick(options);
    const auto account = quick.open_account();
    const auto receipt = quick.run(tests::post(quick.ledger(), a_place(account, "", euro("100"))));
    const auto held = quick.run(quick.ledger().find_hold(receipt.value().hold.value())).value();
    while (quick.value("select bool_and(expires_at <= clock_timestamp()) from ledger.hold") != "t") {
    }
    EXPECT_EQ(outcome(quick.run(tests::post(quick.ledger(), a_capture(held, "c", euro("1"))))),
              "unknown_hold");
    EXPECT_EQ(outcome(quick.run(tests::post(quick.ledger(), a_charge(account, "r", euro("100"))))), "posted");
}

TEST_F(LedgerHolds, CaptureDoesNotMoveTheExpiryAndExtensionDoes) {
    const auto held = hold(account_, euro("10"));
    const auto expiry = [&] {
        return bench().value("select expires_at from ledger.hold where hold_id = '" + base::hex(held->id.id) +
                             "'");
    };
    const auto placed = expiry();
    EXPECT_EQ(ask(a_capture(held, "c", euro("1"))), "posted");
    EXPECT_EQ(expiry(), placed);
    EXPECT_EQ(ask(an_extension(held, "", euro("1"))), "posted");
    EXPECT_GT(expiry(), placed);
}

TEST_F(LedgerHolds, AFullyCapturedHoldMayBeExtendedAndCapturedAgain) {
    const auto held = hold(account_, euro("10"));
    EXPECT_EQ(ask(a_capture(held, "c1", euro("10"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "", euro("5"))), "posted");
    EXPECT_EQ(ask(a_capture(held, "c2", euro("5.01"))), "beyond_hold");
    EXPECT_EQ(ask(a_capture(held, "c2", euro("5"))), "posted");
    EXPECT_EQ(state(), "85.00 0.00 85.00");
}

TEST_F(LedgerHolds, GiveBackAtMostWhatIsLeft) {
    const auto held = hold(account_, euro("50"));
    EXPECT_EQ(ask(a_capture(held, "c", euro("20"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "", euro("-30.01"))), "excess_give_back");
    EXPECT_EQ(ask(an_extension(held, "", euro("0"))), "not_positive");
    EXPECT_EQ(ask(an_extension(held, "back", euro("-10"))), "posted");
    EXPECT_EQ(state(), "80.00 20.00 60.00");
    EXPECT_EQ(ask(an_extension(held, "back", euro("-10"))), "replayed");
    EXPECT_EQ(ask(an_extension(held, "", euro("-20"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "", euro("-0.01"))), "excess_give_back");
    EXPECT_EQ(hold_state(held), "2000 2000 open main:2000-2000");
    EXPECT_EQ(state(), "80.00 0.00 80.00");
}

TEST_F(LedgerHolds, AmountsBeyondTheLimitsAreRefusedWithTheirOwnName) {
    const auto held = hold(account_, euro("10"));
    for (const auto* huge : {"-9223372036854775808", "-9223372036854775807", "-10000000000000.01",
                             "-123456789012345678901234567890", "92233720368547758.07"}) {
        EXPECT_EQ(ask(an_extension(held, "", euro(huge))), "too_large") << huge;
    }
    EXPECT_EQ(ask(an_extension(held, "", euro("-0.001"))), "too_many_decimals");
    EXPECT_EQ(ask(an_extension(held, "", euro("0.001"))), "too_many_decimals");
    EXPECT_EQ(ask(a_capture(held, "c", euro("-1"))), "not_positive");
    EXPECT_EQ(ask(a_capture(held, "c", euro("0"))), "not_positive");
    EXPECT_EQ(ask(a_place(account_, "", euro("-1"))), "not_positive");
    EXPECT_EQ(ask(a_place(account_, "", euro("9223372036854775807"))), "too_large");
}

TEST_F(LedgerHolds, AHoldIsKnownToItsApplicationOnly) {
    const auto held = hold(account_, euro("10"));
    auto capture = a_capture(held, "c", euro("1"));
    capture.origin.application = "other";
    EXPECT_EQ(ask(capture), "unknown_hold");
    auto extend = an_extension(held, "", euro("1"));
    extend.origin.application = "other";
    EXPECT_EQ(ask(extend), "unknown_hold");
    auto release = a_release(held, "");
    release.origin.application = "other";
    EXPECT_EQ(ask(release), "unknown_hold");
    EXPECT_EQ(hold_state(held), "1000 0 open main:1000-0");
    EXPECT_EQ(bench().run(ledger().find_hold({account_->shard, base::random_id()})).error(),
              ledger::Refusal::unknown_hold);
}

TEST_F(LedgerHolds, ALaterBalanceTypeMustBeTheHolds) {
    const auto by_default = hold(account_, euro("10"));
    EXPECT_EQ(ask(a_capture(by_default, "d1", euro("1"), "bonus")), "unknown_balance");
    EXPECT_EQ(ask(a_capture(by_default, "d1", euro("1"), "main")), "posted");
    const auto named = hold(account_, euro("5"), "bonus");
    EXPECT_EQ(ask(a_capture(named, "n1", euro("1"), "main")), "unknown_balance");
    EXPECT_EQ(ask(a_capture(named, "n1", euro("1"), "bonus")), "posted");
    EXPECT_EQ(ask(a_capture(named, "n2", euro("1"))), "posted");
    EXPECT_EQ(ask(an_extension(named, "", euro("1"), "nonsense")), "unknown_balance");
    EXPECT_EQ(ask(an_extension(named, "", euro("1"), "bonus")), "posted");
    EXPECT_EQ(ask(a_capture(named, "n3", {base::Decimal::parse("1").value(), "USD"})), "wrong_unit");
}

TEST_F(LedgerHolds, KeysOfHoldOperationsAreKept) {
    EXPECT_EQ(ask(a_place(account_, "h", euro("10"))), "posted");
    EXPECT_EQ(ask(a_place(account_, "h", euro("10"))), "replayed");
    EXPECT_EQ(ask(a_place(account_, "h", euro("11"))), "reference_conflict");
    const auto first = post(a_place(account_, "h", euro("10")));
    const auto held = bench().run(ledger().find_hold(first.value().hold.value())).value();
    EXPECT_EQ(ask(an_extension(held, "e", euro("1"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "e", euro("1"))), "replayed");
    EXPECT_EQ(ask(a_capture(held, "c", euro("2"))), "posted");
    EXPECT_EQ(ask(a_capture(held, "c", euro("2.00"))), "replayed");
    EXPECT_EQ(ask(a_capture(held, "c", euro("3"))), "reference_conflict");
    EXPECT_EQ(ask(a_release(held, "r")), "posted");
    EXPECT_EQ(ask(a_release(held, "r")), "replayed");
    EXPECT_EQ(ask(a_place(account_, "h", euro("10"))), "replayed") << "a released hold's key is still used";
    EXPECT_EQ(state(), "98.00 0.00 98.00");
}

TEST_F(LedgerHolds, ACaptureIsRefundedAsAChargeIs) {
    const auto held = hold(account_, euro("30"));
    EXPECT_EQ(ask(a_capture(held, "c", euro("20"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b1", "c", euro("15"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b2", "c", euro("5.01"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "b2", "c", euro("5"))), "posted");
    EXPECT_EQ(state(), "100.00 10.00 90.00");
}

// --- Over several balances

class LedgerSpending : public LedgerSuite {
  protected:
    void SetUp() override { account_ = bench().open_account(true); }
};

TEST_F(LedgerSpending, ChargesDrawByPriorityThenOnTheDefaultBalancesCredit) {
    set_credit_limit(account_, "main", credit_limit);
    set_credit_limit(account_, "bonus", 100000);  // only the default balance's counts
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("4"))), "posted");
    EXPECT_EQ(state("bonus"), "6.00 0.00 1006.00");
    EXPECT_EQ(ask(a_charge(account_, "r2", euro("26"))), "posted");
    EXPECT_EQ(state("bonus"), "0.00 0.00 1000.00");
    EXPECT_EQ(state(), "80.00 0.00 130.00");
    EXPECT_EQ(ask(a_charge(account_, "r3", euro("130.01"))), "insufficient_funds");
    EXPECT_EQ(ask(a_charge(account_, "r3", euro("130"))), "posted");
    EXPECT_EQ(state(), "-50.00 0.00 0.00");
    EXPECT_EQ(ask(a_charge(account_, "r2", euro("26"))), "replayed");
}

TEST_F(LedgerSpending, OffMeansTheDefaultBalanceAlone) {
    bench().exec("select ledger.set_spending_order(" + key_of(account_) + ", false)");
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100.01"))), "insufficient_funds");
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100"))), "posted");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
}

TEST_F(LedgerSpending, ANamedBalanceIsUsedAloneTheDefaultOneToo) {
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100.01"), "main")), "insufficient_funds");
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100"), "main")), "posted");
    EXPECT_EQ(ask(a_place(account_, "", euro("10.01"), "bonus")), "insufficient_funds");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
}

TEST_F(LedgerSpending, TheUnitChoosesTheBalances) {
    EXPECT_EQ(ask(a_charge(account_, "r1", {base::Decimal::parse("1000").value(), "bytes"})), "posted");
    EXPECT_EQ(state("data"), "999000 0 999000");
    EXPECT_EQ(ask(a_charge(account_, "r2", {base::Decimal::parse("1").value(), "USD"})), "wrong_unit");
    EXPECT_EQ(ask(a_charge(account_, "r3", {base::Decimal::parse("0.5").value(), "bytes"})),
              "too_many_decimals");
}

TEST_F(LedgerSpending, ExpiredBalancesAreNotDrawnUpon) {
    make_expired(account_, "bonus", "1 hour");
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100.01"))), "insufficient_funds");
    EXPECT_EQ(ask(a_charge(account_, "r1", euro("100"))), "posted");
    EXPECT_EQ(state("bonus"), "10.00 0.00 0.00");
    make_expired(account_, "main", "1 hour");
    set_credit_limit(account_, "main", credit_limit);
    EXPECT_EQ(ask(a_charge(account_, "r2", euro("1"))), "insufficient_funds")
        << "no credit on an expired balance";
}

TEST_F(LedgerSpending, AHoldKeepsItsLegsAndCapturesConsumeThemInOrder) {
    set_credit_limit(account_, "main", credit_limit);
    const auto held = hold(account_, euro("130"));
    EXPECT_EQ(hold_state(held), "13000 0 open bonus:1000-0 main:12000-0");
    EXPECT_EQ(ask(a_capture(held, "c1", euro("4"))), "posted");
    EXPECT_EQ(hold_state(held), "13000 400 open bonus:1000-400 main:12000-0");
    EXPECT_EQ(ask(a_capture(held, "c2", euro("16"))), "posted");
    EXPECT_EQ(hold_state(held), "13000 2000 open bonus:1000-1000 main:12000-1000");
    EXPECT_EQ(ask(a_capture(held, "c3", euro("110.01"))), "beyond_hold");
    EXPECT_EQ(ask(a_release(held, "")), "posted");
    EXPECT_EQ(state("bonus"), "0.00 0.00 0.00");
    EXPECT_EQ(state(), "90.00 0.00 140.00");
}

TEST_F(LedgerSpending, ExtensionsDrawAsHoldsDo) {
    const auto held = hold(account_, euro("6"));
    EXPECT_EQ(ask(an_extension(held, "", euro("9"))), "posted");
    EXPECT_EQ(hold_state(held), "1500 0 open bonus:1000-0 main:500-0");
    EXPECT_EQ(ask(an_extension(held, "", euro("95.01"))), "insufficient_funds");
    EXPECT_EQ(ask(an_extension(held, "", euro("95"))), "posted");
    EXPECT_EQ(state(), "100.00 100.00 0.00");
}

TEST_F(LedgerSpending, AGiveBackComesFromTheLastLegOn) {
    const auto held = hold(account_, euro("30"));
    EXPECT_EQ(ask(an_extension(held, "", euro("-22"))), "posted");
    EXPECT_EQ(hold_state(held), "800 0 open bonus:800-0 main:0-0");
    EXPECT_EQ(state("bonus"), "10.00 8.00 2.00");
    EXPECT_EQ(ask(a_capture(held, "c", euro("8"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "", euro("3"))), "posted");
    EXPECT_EQ(hold_state(held), "1100 800 open bonus:1000-800 main:100-0");
}

TEST_F(LedgerSpending, DueHoldsFreeAllTheirLegs) {
    const auto held = hold(account_, euro("110"));
    EXPECT_EQ(ask(a_capture(held, "c", euro("12"))), "posted");
    make_due(held);
    EXPECT_EQ(outcome(post(a_charge(account_, "r", euro("98")))), "posted");
    EXPECT_EQ(state("bonus"), "0.00 0.00 0.00");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
}

TEST_F(LedgerSpending, ARefundGivesTheLegsBackLastFirst) {
    EXPECT_EQ(ask(a_charge(account_, "r", euro("30"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b1", "r", euro("15"))), "posted");
    EXPECT_EQ(state(), "95.00 0.00 95.00");
    EXPECT_EQ(ask(a_refund(account_, "b2", "r", euro("8"))), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(state("bonus"), "3.00 0.00 3.00");
    EXPECT_EQ(ask(a_refund(account_, "b3", "r", euro("7.01"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "b3", "r", euro("7"), "bonus")), "posted");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
}

/// Two balances in a unit that is not the default balance's: amounts must be read in the charge's unit.
TEST_F(LedgerSpending, ARefundIsInTheUnitOfItsCharge) {
    bench().exec("select ledger.define_balance_type('example.com', 'yen', 'JPY', 1)");
    bench().exec("select ledger.define_balance_type('example.com', 'gift', 'JPY', 2)");
    ASSERT_EQ(ask(a_credit(account_, "y", amount("100"), "yen")), "posted");
    ASSERT_EQ(ask(a_credit(account_, "g", amount("1000"), "gift")), "posted");
    ASSERT_EQ(ask(a_charge(account_, "r", {base::Decimal::parse("600").value(), "JPY"})), "posted");
    EXPECT_EQ(state("gift"), "500 0 500");
    EXPECT_EQ(ask(a_refund(account_, "b0", "r", euro("1"))), "wrong_unit");
    EXPECT_EQ(ask(a_refund(account_, "b1", "r", amount("1"))), "posted");
    EXPECT_EQ(state("gift"), "501 0 501");
    EXPECT_EQ(ask(a_refund(account_, "b2", "r", {base::Decimal::parse("599").value(), "JPY"})), "posted");
    EXPECT_EQ(state("yen"), "100 0 100");
}

}  // namespace
