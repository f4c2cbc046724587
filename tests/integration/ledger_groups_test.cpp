// Requests of several legs, account states, balances that expire or come with their first credit.
#include "tests/support/ledger_suite.hpp"

using namespace tests;

namespace {

using ledger::Split;

ledger::Amount in(const char* unit, const char* value) { return {base::Decimal::parse(value).value(), unit}; }

class LedgerGroups : public LedgerSuite {
  protected:
    void SetUp() override {
        LedgerSuite::SetUp();
        other_ = bench().open_account();
        third_ = bench().open_account();
    }
    ledger::AccountPtr other_, third_;
};

TEST_F(LedgerGroups, ATransferMovesOnceAndOnlyWhatIsThere) {
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("30"))), "posted");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("30"))), "replayed");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("31"))), "reference_conflict");
    EXPECT_EQ(ask(a_transfer(account_, third_, "t", euro("30"))), "reference_conflict");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("70.01"))), "insufficient_funds");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("0"))), "not_positive");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("-1"))), "not_positive");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("1.001"))), "too_many_decimals");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("9223372036854775807"))), "too_large");
    EXPECT_EQ(ask(a_transfer(account_, other_, "u", euro("1"), "main", "nonsense")), "unknown_balance");
    EXPECT_EQ(state(), "70.00 0.00 70.00");
    EXPECT_EQ(state(other_), "130.00 0.00 130.00");
}

TEST_F(LedgerGroups, ATransferStaysInOneUnit) {
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", amount("1"), "main", "data")), "wrong_unit");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", amount("1"), "data")), "wrong_unit");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("1"), "main", "data")), "wrong_unit");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", in("bytes", "1"))), "wrong_unit");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", amount("5"), "data", "data")), "posted");
    EXPECT_EQ(state(other_, "data"), "1000005 0 1000005");
}

TEST_F(LedgerGroups, ATransferWithinAnAccountAndWithinABalance) {
    EXPECT_EQ(ask(a_transfer(account_, account_, "t", euro("4"), "bonus", "main")), "posted");
    EXPECT_EQ(state(), "104.00 0.00 104.00");
    EXPECT_EQ(state("bonus"), "6.00 0.00 6.00");
    EXPECT_EQ(ask(a_transfer(account_, account_, "self", euro("104"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "transfer", "self")), "posted");
    EXPECT_EQ(ask(a_transfer(account_, account_, "self2", euro("104.01"))), "insufficient_funds");
    EXPECT_EQ(state(), "104.00 0.00 104.00");
}

TEST_F(LedgerGroups, SharesAreFlooredAndLeftoverUnitsGoOutInOrder) {
    const std::vector<Split::Share> thirds{{account_, 33}, {other_, 33}, {third_, 34}};
    EXPECT_EQ(ask(a_split(thirds, "s1-4", euro("0.10"))), "posted");  // 3.3, 3.3, 3.4: one left
    EXPECT_EQ(state(), "99.96 0.00 99.96");
    EXPECT_EQ(state(other_), "99.97 0.00 99.97");
    EXPECT_EQ(state(third_), "99.97 0.00 99.97");
    EXPECT_EQ(ask(a_split(thirds, "s1-4", euro("0.10"))), "replayed");
    EXPECT_EQ(ask(a_split(thirds, "s1-4", euro("0.11"))), "reference_conflict");
    const std::vector<Split::Share> turned{{third_, 34}, {other_, 33}, {account_, 33}};
    EXPECT_EQ(ask(a_split(turned, "s2-4", euro("0.10"))), "posted");
    EXPECT_EQ(state(third_), "99.93 0.00 99.93");
    EXPECT_EQ(state(), "99.93 0.00 99.93");
}

TEST_F(LedgerGroups, PercentsOfASplit) {
    EXPECT_EQ(ask(a_split({{account_, 1}, {other_, 99}}, "s-5", euro("10"))), "posted");
    EXPECT_EQ(state(), "99.90 0.00 99.90");
    EXPECT_EQ(ask(a_split({{account_, 100}}, "s100-5", euro("10"))), "posted");
    for (const auto& wrong : {std::vector<Split::Share>{},
                              {{account_, 0}, {other_, 100}},
                              {{account_, 101}},
                              {{account_, -1}, {other_, 101}},
                              {{account_, 50}, {other_, 49}},
                              {{account_, 50}, {other_, 51}}}) {
        EXPECT_EQ(ask(a_split(wrong, "w-5", euro("10"))), "invalid_shares");
    }
    EXPECT_EQ(ask(a_split({{account_, 1}, {other_, 99}}, "w-5", euro("0.01"))), "not_positive")
        << "a share of nothing";
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "w-5", euro("0"))), "not_positive");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "w-5", euro("0.001"))), "too_many_decimals");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "w-5", euro("9223372036854775807"))), "too_large");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "w-5", in("USD", "1"))), "wrong_unit");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "w-5", euro("1"), "nonsense")), "unknown_balance");
}

TEST_F(LedgerGroups, AnAccountNamedTwiceHasOneShare) {
    EXPECT_EQ(ask(a_split({{account_, 20}, {other_, 50}, {account_, 30}}, "s-6", euro("10.01"))), "posted");
    EXPECT_EQ(state(), "94.99 0.00 94.99");
    EXPECT_EQ(state(other_), "95.00 0.00 95.00");
}

TEST_F(LedgerGroups, ASplitIsAllOrNothing) {
    EXPECT_EQ(ask(a_charge(other_, "most", euro("99"))), "posted");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "s-7", euro("10"))), "insufficient_funds");
    EXPECT_EQ(ask(a_split({{account_, 90}, {other_, 10}}, "s-7", euro("10"))), "posted");
    EXPECT_EQ(state(), "91.00 0.00 91.00");
    EXPECT_EQ(state(other_), "0.00 0.00 0.00");
}

TEST_F(LedgerGroups, ASplitNeedsOneUnitAndIsReplayedWhateverTheBalancesBecame) {
    const std::vector<Split::Share> halves{{account_, 50}, {other_, 50}};
    EXPECT_EQ(ask(a_split(halves, "s-8", amount("2"))), "posted");
    bench().exec("select ledger.set_default_balance(" + key_of(other_) + ", 'data')");
    EXPECT_EQ(ask(a_split(halves, "t-8", amount("2"))), "wrong_unit");
    EXPECT_EQ(ask(a_split(halves, "s-8", amount("2"))), "replayed");
    EXPECT_EQ(ask(a_split(halves, "t-8", amount("2"), "data")), "posted");
    EXPECT_EQ(state("data"), "999999 0 999999");
}

TEST_F(LedgerGroups, ASplitDrawsAsEachAccountSpends) {
    bench().exec("select ledger.set_spending_order(" + key_of(account_) + ", true)");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "s-9", euro("30"))), "posted");
    EXPECT_EQ(state("bonus"), "0.00 0.00 0.00");
    EXPECT_EQ(state(), "95.00 0.00 95.00");
    EXPECT_EQ(state(other_), "85.00 0.00 85.00");
    ledger::Account nobody;
    nobody.shard = static_cast<std::int16_t>(std::stoi(
        bench().value("select shard from ledger.request where operation = 'split' and account_id = 0 and "
                      "reference = 's-9' order by recorded_at desc limit 1")));
    const auto key = std::make_shared<const ledger::Account>(nobody);
    EXPECT_EQ(ask(a_reversal(key, "undo", "split", "s-9")), "posted");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(state(other_), "100.00 0.00 100.00");
}

TEST_F(LedgerGroups, ASplitInACurrencyDrawsOnTheBalancesInIt) {
    bench().exec("select ledger.define_balance_type('example.com', 'dollars', 'USD', 40)");
    const std::vector<Split::Share> halves{{account_, 50}, {other_, 50}};
    for (const auto& account : {account_, other_})
        EXPECT_EQ(ask(a_credit(account, "dollars", in("USD", "10"), "dollars")), "posted");
    bench().exec("select ledger.set_spending_order(" + key_of(account_) + ", true)");
    EXPECT_EQ(ask(a_split(halves, "s-20", in("USD", "3"))), "wrong_unit")
        << "the other one's default is in EUR";
    bench().exec("select ledger.set_spending_order(" + key_of(other_) + ", true)");
    EXPECT_EQ(ask(a_split(halves, "s-20", in("USD", "3"))), "posted");
    EXPECT_EQ(ask(a_split(halves, "s-21", in("JPY", "3"))), "wrong_unit");
    EXPECT_EQ(state("dollars") + ", " + state(other_, "dollars"), "8.50 0.00 8.50, 8.50 0.00 8.50");
    EXPECT_EQ(ask(a_split(halves, "s-22", euro("2"))), "posted");
    EXPECT_EQ(ask(a_split(halves, "s-23", amount("2"))), "posted") << "in the default balance's";
    EXPECT_EQ(state("bonus") + ", " + state(), "8.00 0.00 8.00, 100.00 0.00 100.00");
}

TEST_F(LedgerGroups, ASplitIsRefundedToEachAccountUpToItsShare) {
    EXPECT_EQ(ask(a_split({{account_, 60}, {other_, 40}}, "s-10", euro("10.01"))), "posted");  // 6.01, 4.00
    EXPECT_EQ(ask(a_refund(account_, "b1", "s-10", euro("6.02"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "b1", "s-10", euro("2"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b1", "s-10", euro("2"))), "replayed");
    EXPECT_EQ(ask(a_refund(account_, "b2", "s-10", euro("4.02"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "b2", "s-10", euro("4.01"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b3", "s-10", euro("0.01"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(other_, "b1", "s-10", euro("4.01"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(other_, "b1", "s-10", euro("4"), "bonus")), "unknown_balance");
    EXPECT_EQ(ask(a_refund(third_, "b1", "s-10", euro("1"))), "unknown_charge");
    // By the same reference, too; it is linked, so that the grant for others is not asked for.
    auto same = a_refund(other_, "s-10", "", euro("4"));
    same.original_reference.reset();
    EXPECT_EQ(ask(same), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(state(other_), "100.00 0.00 100.00");
    EXPECT_EQ(bench().value("select string_agg(concat_ws(' ', b.amount, b.address = s.address), ', ' order by"
                            " b.amount) from finance.journal b join finance.journal s on s.shard = b.shard"
                            " and s.journal_no = b.refund_of and s.kind = 'split'"
                            " where s.reference_code = 's-10'"),
              "2.00 t, 4.00 t, 4.01 t");
}

TEST_F(LedgerGroups, AShareIsGivenBackLastLegFirst) {
    bench().exec("select ledger.set_spending_order(" + key_of(account_) + ", true)");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "s-11", euro("30"))), "posted");
    EXPECT_EQ(state("bonus") + ", " + state(), "0.00 0.00 0.00, 95.00 0.00 95.00");
    EXPECT_EQ(ask(a_refund(account_, "b1", "s-11", euro("7"))), "posted");
    EXPECT_EQ(state("bonus") + ", " + state(), "2.00 0.00 2.00, 100.00 0.00 100.00");
    EXPECT_EQ(ask(a_refund(account_, "b2", "s-11", euro("8.01"))), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "b2", "s-11", euro("8"))), "posted");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
}

TEST_F(LedgerGroups, ASplitIsReversedOrRefundedNeverBoth) {
    const auto keeper = [&](const std::string& reference) {
        ledger::Account nobody;
        nobody.shard = static_cast<std::int16_t>(std::stoi(
            bench().value("select shard from ledger.request where operation = 'split' and account_id"
                          " = 0 and reference = '" +
                          reference + "'")));
        return std::make_shared<const ledger::Account>(nobody);
    };
    const std::vector<Split::Share> halves{{account_, 50}, {other_, 50}};
    EXPECT_EQ(ask(a_split(halves, "s-12", euro("10"))), "posted");
    EXPECT_EQ(ask(a_refund(other_, "b1", "s-12", euro("1"))), "posted");
    EXPECT_EQ(ask(a_reversal(keeper("s-12"), "undo-12", "split", "s-12")), "beyond_charge");
    EXPECT_EQ(ask(a_split(halves, "t-12", euro("10"))), "posted");
    EXPECT_EQ(ask(a_reversal(keeper("t-12"), "undo t-12", "split", "t-12")), "posted");
    EXPECT_EQ(ask(a_reversal(keeper("t-12"), "undo t-12", "split", "t-12")), "replayed");
    EXPECT_EQ(ask(a_refund(other_, "b2", "t-12", euro("1"))), "beyond_charge");
    EXPECT_EQ(ask(a_reversal(other_, "undo mine", "split", "s-12")), "unknown_charge")
        << "a split, or nothing";
}

TEST_F(LedgerGroups, AdjustmentsAddAndTake) {
    EXPECT_EQ(ask(an_adjustment(account_, "a", euro("5"))), "posted");
    EXPECT_EQ(ask(an_adjustment(account_, "a", euro("5"))), "replayed");
    EXPECT_EQ(ask(an_adjustment(account_, "a", euro("-5"))), "reference_conflict");
    EXPECT_EQ(ask(an_adjustment(account_, "b", euro("-105"))), "posted");
    EXPECT_EQ(ask(an_adjustment(account_, "c", euro("-0.01"))), "insufficient_funds");
    EXPECT_EQ(ask(an_adjustment(account_, "c", euro("0"))), "not_positive");
    for (const auto* huge : {"-9223372036854775808", "9223372036854775807", "10000000000000.01",
                             "-10000000000000.01", "123456789012345678901234567890"}) {
        EXPECT_EQ(ask(an_adjustment(account_, "c", euro(huge))), "too_large") << huge;
    }
    EXPECT_EQ(ask(an_adjustment(account_, "c", euro("1"), "nonsense")), "unknown_balance");
    EXPECT_EQ(ask(an_adjustment(account_, "c", in("USD", "1"))), "wrong_unit");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
}

TEST_F(LedgerGroups, AReversalUndoesWhatWasDoneOnce) {
    bench().exec("select ledger.set_spending_order(" + key_of(account_) + ", true)");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("30"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "charge", "r")), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "charge", "r")), "replayed");
    EXPECT_EQ(ask(a_reversal(account_, "undo again", "charge", "r")), "beyond_charge");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "charge", "other")), "unknown_charge");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(state("bonus"), "10.00 0.00 10.00");
    EXPECT_EQ(ask(a_refund(account_, "b", "r", euro("1"))), "beyond_charge") << "undone already";
    EXPECT_EQ(ask(a_charge(account_, "q", euro("1"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "q1", "q", euro("0.50"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo q", "charge", "q")), "beyond_charge") << "given back in part";
    EXPECT_EQ(ask(a_reversal(account_, "undo", "charge", "q")), "reference_conflict");
}

TEST_F(LedgerGroups, ReversalsOfTransfersAndCreditsNeedFunds) {
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("30"))), "posted");
    EXPECT_EQ(ask(a_charge(other_, "spent", euro("110"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "transfer", "t")), "insufficient_funds");
    EXPECT_EQ(ask(a_credit(other_, "more", euro("10"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo", "transfer", "t")), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(state(other_), "0.00 0.00 0.00");
    EXPECT_EQ(ask(a_reversal(other_, "undo", "credit", "more")), "insufficient_funds");
    const auto held = hold(account_, euro("10"));
    EXPECT_EQ(ask(a_capture(held, "c", euro("4"))), "posted");
    EXPECT_EQ(ask(a_reversal(account_, "undo c", "capture", "c")), "posted");
    EXPECT_EQ(state(), "100.00 6.00 94.00") << "the money comes back, the hold stays captured";
    EXPECT_EQ(ask(a_reversal(account_, "undo h", "hold", "c")), "unknown_charge");
}

// --- States

class LedgerStates : public LedgerGroups {
  protected:
    std::string suspend(bool on) {
        return bench().value("select ledger.set_suspended(" + key_of(account_) +
                             (on ? ", true)" : ", false)"));
    }
    std::string close() {
        return bench().value("select ledger.close_account(" + key_of(account_) +
                             ", ledger.application_id('operator'), 'gone')");
    }
};

TEST_F(LedgerStates, ASuspendedAccountTakesCreditsAndReleases) {
    const auto held = hold(account_, euro("20"));
    EXPECT_EQ(ask(a_charge(account_, "before", euro("1"))), "posted");
    EXPECT_EQ(suspend(true), "posted");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "account_suspended");
    EXPECT_EQ(ask(a_place(account_, "", euro("1"))), "account_suspended");
    EXPECT_EQ(ask(an_extension(held, "", euro("1"))), "account_suspended");
    EXPECT_EQ(ask(a_transfer(account_, other_, "t", euro("1"))), "account_suspended");
    EXPECT_EQ(ask(a_split({{account_, 50}, {other_, 50}}, "s-13", euro("1"))), "account_suspended");
    EXPECT_EQ(ask(a_charge(account_, "before", euro("1"))), "replayed");
    EXPECT_EQ(ask(a_credit(account_, "c", euro("1"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b", "before", euro("1"))), "posted");
    EXPECT_EQ(ask(a_transfer(other_, account_, "t2", euro("1"))), "posted");
    EXPECT_EQ(ask(an_extension(held, "", euro("-5"))), "posted");
    EXPECT_EQ(ask(a_capture(held, "p", euro("5"))), "posted");
    EXPECT_EQ(ask(a_release(held, "")), "posted");
    EXPECT_EQ(suspend(false), "posted");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "posted");
    EXPECT_EQ(state(), "96.00 0.00 96.00");
}

TEST_F(LedgerStates, AnAccountClosesWithoutHoldsAndKeepsItsHistory) {
    const auto held = hold(account_, euro("20"));
    const auto captured = hold(account_, euro("5"));
    EXPECT_EQ(ask(a_capture(captured, "all", euro("5"))), "posted");
    EXPECT_EQ(close(), "unknown_hold");
    EXPECT_EQ(ask(a_release(held, "")), "posted");
    const auto address = bench().address_of(account_);
    EXPECT_EQ(close(), "posted");
    EXPECT_EQ(close(), "account_closed");
    EXPECT_EQ(suspend(true), "account_closed");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "stale_address");
    EXPECT_EQ(ask(a_capture(captured, "more", euro("1"))), "account_closed");
    EXPECT_EQ(ask(a_release(captured, "")), "account_closed");
    auto by_id = std::make_shared<ledger::Account>(*account_);
    by_id->epoch = 0;
    EXPECT_EQ(ask(a_charge(by_id, "r", euro("1"))), "account_closed");
    EXPECT_EQ(ask(a_credit(by_id, "c", euro("1"))), "account_closed");
    EXPECT_EQ(ask(a_credit(by_id, "c", euro("1"), "unheard-of")), "account_closed");
    EXPECT_EQ(ask(a_transfer(other_, by_id, "t", euro("1"))), "account_closed");
    EXPECT_EQ(ask(an_adjustment(by_id, "a", euro("1"))), "account_closed");
    EXPECT_EQ(ask(a_reversal(by_id, "undo", "capture", "all")), "account_closed");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
    EXPECT_EQ(bench().value("select count(*) from finance.journal where kind = 'closing' and account_id = " +
                            std::to_string(account_->id)),
              "3");
    ledger().forget_all_addresses();
    EXPECT_EQ(bench().run(ledger().find(address)).error(), ledger::Refusal::unknown_account);
}

TEST_F(LedgerStates, AnOverdraftIsWrittenOffToo) {
    set_credit_limit(account_, "main", 5000);
    EXPECT_EQ(ask(a_charge(account_, "r", euro("150"))), "posted");
    EXPECT_EQ(close(), "posted");
    EXPECT_EQ(state(), "0.00 0.00 50.00");
}

TEST_F(LedgerStates, UnknownAccountsAndStaleAddresses) {
    ledger::Account nobody;
    nobody.id = 999'999'999;
    nobody.shard = account_->shard;
    const auto unknown = std::make_shared<const ledger::Account>(nobody);
    EXPECT_EQ(ask(a_charge(unknown, "r", euro("1"))), "unknown_account");
    EXPECT_EQ(ask(a_credit(unknown, "r", euro("1"), "main")), "unknown_account");
    EXPECT_EQ(ask(a_transfer(account_, unknown, "r", euro("1"))), "unknown_account");
    ledger::Account moved = *account_;
    ++moved.epoch;
    const auto stale = std::make_shared<const ledger::Account>(moved);
    EXPECT_EQ(ask(a_charge(stale, "r", euro("1"))), "stale_address");
    EXPECT_EQ(ask(a_transfer(other_, stale, "r", euro("1"))), "stale_address");
    EXPECT_EQ(ask(a_split({{other_, 50}, {stale, 50}}, "r-16", euro("1"))), "stale_address");
    EXPECT_EQ(ask(an_adjustment(stale, "r", euro("1"))), "stale_address");
}

/// Its neighbours in a batch must not pay for it.
TEST_F(LedgerStates, AnAccountWithoutBalancesHasNoneToUse) {
    const auto rows = bench().session().exec(
        "select o_shard, o_account from ledger.open_account('example.com', "
        "array['tel:+1999' || $1])",
        base::sql::params(account_->id));
    ledger::Account bare;
    bare.shard = static_cast<std::int16_t>(rows.integer(0, 0));
    bare.id = rows.integer(0, 1);
    const auto empty = std::make_shared<const ledger::Account>(bare);
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    std::vector<ledger::AccountPtr> later;
    while (later.size() < 40) later.push_back(bench().open_account());
    for (int i = 0; i < 5; ++i) {
        work.push_back(tests::post(ledger(), a_charge(empty, "r", euro("1"))));
        work.push_back(tests::post(ledger(), a_credit(empty, "c", euro("1"))));
        work.push_back(tests::post(ledger(), a_place(empty, "p", euro("1"))));
        for (const auto& next : later) {
            work.push_back(tests::post(ledger(), a_charge(next, "n" + std::to_string(i), euro("1"))));
        }
    }
    int refused = 0;
    for (const auto& result : bench().run_all(std::move(work))) {
        if (result) continue;
        EXPECT_EQ(outcome(result), "unknown_balance");
        ++refused;
    }
    EXPECT_EQ(refused, 15);
    for (const auto& next : later) EXPECT_EQ(state(next), "95.00 0.00 95.00");
}

// --- Balances that expire, and new ones

class LedgerExpiry : public LedgerGroups {
  protected:
    std::string days_left(const std::string& type) {
        return bench().value(
            "select coalesce(round(extract(epoch from expires_at - clock_timestamp()) / 86400)::text, "
            "'never') from ledger.balance where account_id = " +
            std::to_string(account_->id) + " and balance_type = '" + type + "'");
    }
    std::string sweep(const std::string& grace) {
        return bench().value("select ledger.sweep_balances(" + std::to_string(account_->shard) +
                             "::smallint, '" + grace + "', 100)");
    }
};

TEST_F(LedgerExpiry, APeriodProlongsAndNeverShortens) {
    bench().exec("select ledger.define_balance_type('example.com', 'promo', 'EUR', 5)");
    EXPECT_EQ(ask(a_credit(account_, "c1", euro("5"), "promo", 10)), "posted");
    EXPECT_EQ(days_left("promo"), "10");
    EXPECT_EQ(ask(a_credit(account_, "c2", euro("5"), "promo", 3)), "posted");
    EXPECT_EQ(days_left("promo"), "10");
    EXPECT_EQ(ask(a_credit(account_, "c3", euro("5"), "promo")), "posted");
    EXPECT_EQ(days_left("promo"), "10");
    EXPECT_EQ(ask(a_credit(account_, "c4", euro("5"), "promo", 30)), "posted");
    EXPECT_EQ(days_left("promo"), "30");
    EXPECT_EQ(ask(a_credit(account_, "c5", euro("5"), "main", 30)), "posted");
    EXPECT_EQ(days_left("main"), "never") << "never is longer than any period";
    EXPECT_EQ(ask(a_credit(account_, "c4", euro("5"), "promo", 31)), "reference_conflict");
}

TEST_F(LedgerExpiry, AnExpiredBalanceTakesMoneyAndGivesNone) {
    const auto held = hold(account_, euro("20"));
    EXPECT_EQ(ask(a_charge(account_, "before", euro("10"))), "posted");
    make_expired(account_, "main", "1 minute");
    EXPECT_EQ(state(), "90.00 20.00 0.00");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "insufficient_funds");
    EXPECT_EQ(ask(a_place(account_, "", euro("1"))), "insufficient_funds");
    EXPECT_EQ(ask(an_extension(held, "", euro("1"))), "insufficient_funds");
    EXPECT_EQ(ask(a_capture(held, "c", euro("5"))), "posted") << "open holds stay capturable";
    EXPECT_EQ(ask(a_credit(account_, "c", euro("1"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "b", "before", euro("1"))), "posted");
    EXPECT_EQ(days_left("main"), "0") << "neither moved the expiry";
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "insufficient_funds");
    EXPECT_EQ(ask(a_credit(account_, "revive", euro("1"), "main", 5)), "posted");
    EXPECT_EQ(ask(a_charge(account_, "r", euro("1"))), "posted");
    EXPECT_EQ(days_left("main"), "5");
}

TEST_F(LedgerExpiry, TheSweepPostsWhatIsLeftAfterTheGraceAndSparesHolds) {
    const auto held = hold(account_, euro("20"));
    make_expired(account_, "main", "10 days");
    make_expired(other_, "main", "10 days");
    EXPECT_EQ(sweep("11 days"), "0");
    EXPECT_EQ(sweep("9 days"), "1");
    EXPECT_EQ(sweep("9 days"), "0");
    EXPECT_EQ(state(), "20.00 20.00 0.00");
    EXPECT_EQ(ask(a_capture(held, "c", euro("15"))), "posted");
    EXPECT_EQ(ask(a_release(held, "")), "posted");
    EXPECT_EQ(sweep("9 days"), "1");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
    EXPECT_EQ(bench().value(
                  "select string_agg(concat(amount, ' ', contra), ', ' order by seq) from finance.journal "
                  "where kind = 'expired' and account_id = " +
                  std::to_string(account_->id)),
              "-80.00 expired, -5.00 expired");
}

TEST_F(LedgerExpiry, ADueHoldOnAnExpiredBalanceIsSweptWithIt) {
    const auto held = hold(account_, euro("100"));
    make_expired(account_, "main", "10 days");
    make_due(held);
    EXPECT_EQ(sweep("1 day"), "0") << "held funds are left until the hold is ended";
    bench().exec("select ledger.sweep_holds(" + std::to_string(account_->shard) + "::smallint, 10)");
    EXPECT_EQ(sweep("1 day"), "1");
    EXPECT_EQ(state(), "0.00 0.00 0.00");
}

TEST_F(LedgerExpiry, ACreditMakesItsBalanceAndARefusalNone) {
    bench().exec("select ledger.define_balance_type('example.com', 'sms', 'messages', 5)");
    EXPECT_EQ(ask(a_credit(account_, "c", euro("1"), "sms")), "wrong_unit");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("0"), "sms")), "not_positive");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("-1"), "sms")), "not_positive");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("0.5"), "sms")), "too_many_decimals");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("1000000000000001"), "sms")), "too_large");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("1"), "unheard-of")), "unknown_balance");
    EXPECT_EQ(state("sms"), "none");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("7"), "sms", 1)), "posted");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("7"), "sms", 1)), "replayed");
    EXPECT_EQ(ask(a_credit(account_, "c", amount("8"), "sms", 1)), "reference_conflict");
    EXPECT_EQ(state("sms"), "7 0 7");
    EXPECT_EQ(days_left("sms"), "1");
}

TEST_F(LedgerExpiry, APeriodMustBeOneThatADateCanHold) {
    for (const std::int32_t days : {0, -1, -2'000'000'000, 36'501, 200'000'000, 2'147'483'647}) {
        EXPECT_EQ(ask(a_credit(account_, "c", euro("1"), "main", days)), "invalid_period") << days;
    }
    EXPECT_EQ(ask(a_credit(account_, "c", euro("1"), "main", 36'500)), "posted");
}

TEST_F(LedgerExpiry, ABalanceNeverLeavesTheRangeThatIsExact) {
    // The ledger itself would need 4,000 credits of the maximum.
    const auto set_posted = [&](const std::string& minor) {
        bench().exec("update ledger.balance set posted = " + minor +
                     " where balance_type = 'main' and account_id = " + std::to_string(account_->id));
    };
    set_posted("3999999999999999999");
    EXPECT_EQ(ask(a_credit(account_, "x", euro("0.02"))), "balance_limit");
    EXPECT_EQ(ask(a_transfer(other_, account_, "x", euro("0.02"))), "balance_limit");
    EXPECT_EQ(ask(an_adjustment(account_, "x", euro("0.02"))), "balance_limit");
    set_posted("10000");
}

}  // namespace
