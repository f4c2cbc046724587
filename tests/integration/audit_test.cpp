// The audit: each way to tamper with the books as superuser is found; an untouched ledger is right under
// load.
#include "ledger/audit.hpp"
#include "ledger/batch.hpp"
#include "ledger/sealer.hpp"
#include "ledger/sweeper.hpp"
#include "ledger/voucher_code.hpp"
#include "tests/support/ledger_suite.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace tests {
namespace {

class Audit : public LedgerSuite {
  protected:
    void SetUp() override {
        LedgerSuite::SetUp();
        const auto account = account_;
        post(a_charge(account, "song", euro("1.50"))).value();
        post(a_charge(account, "film", euro("2.50"))).value();
        const auto held = hold(account, euro("5"));
        post(a_capture(held, "part", euro("2"))).value();
        post(a_transfer(account, bench().open_account(), "gift", euro("1"))).value();
    }
    // Each test leaves a ledger that is wrong.
    void TearDown() override {
        bench_.reset();
        bench_.emplace();
    }

    static base::Database::Options sealers() {
        base::Database::Options options;
        options.session.url = bench().url();
        options.session.statement_timeout = std::chrono::seconds(30);
        return options;
    }

    static void seal() {
        base::Database database(sealers());
        const ledger::Sealer sealer({}, database, base::Logger(base::LogLevel::error));
    }

    static ledger::AuditReport verify() {
        auto session = bench().session("ledgerline_service");
        return ledger::verify(session, [](std::size_t, std::size_t, std::string_view) {});
    }
    static std::string wrong() { return verify().wrong.value_or("nothing"); }

    static void tamper(const std::string& statement) {
        auto session = bench().session("postgres");
        session.exec("set session_replication_role = replica");
        session.exec(statement);
    }

    static void expect_wrong(const std::string& rule) {
        const auto found = wrong();
        EXPECT_TRUE(found.starts_with(rule)) << found;
    }

    static std::string song() { return " where reference = 'song'"; }
};

TEST_F(Audit, AnUntouchedLedgerIsRightSealedOrNot) {
    EXPECT_EQ(wrong(), "nothing");
    seal();
    EXPECT_EQ(bench().value("select sum(next_journal_no - 1) from ledger.shard"),
              bench().value("select sum(to_no - from_no + 1) from ledger.seal"));
    EXPECT_EQ(wrong(), "nothing");
    post(a_charge(account_, "later", euro("1"))).value();
    EXPECT_EQ(wrong(), "nothing");
    seal();
    EXPECT_EQ(wrong(), "nothing");
}

// A round looks at what was recorded since a moment before the last one; the charge below was recorded
// earlier.
TEST_F(Audit, SealsWhatWasRecordedLongBeforeItBecameVisible) {
    seal();
    auto session = bench().session("ledgerline_service");
    ledger::Posting charge;
    charge.operation = ledger::Operation::charge;
    charge.account = account_;
    charge.application =
        static_cast<std::int32_t>(std::stol(bench().value("select ledger.application_id('slow')")));
    charge.reference = "slow";
    charge.amount = euro("1");
    charge.contra = "revenue";
    charge.digest = ledger::digest_of(charge);
    const std::vector<const ledger::Posting*> postings{&charge};
    const auto plan = ledger::plan_batch(postings);
    const ledger::BatchLimits limits{1'000'000, std::chrono::hours(1)};

    base::Database database(sealers());
    const ledger::Sealer sealer({std::chrono::milliseconds(20)}, database,
                                base::Logger(base::LogLevel::error));
    base::sql::Transaction slow(session);
    session.exec(ledger::post_batch_statement, ledger::batch_parameters(postings, plan, limits));
    const auto begun = bench().value("select clock_timestamp()");
    const auto passed = "select clock_timestamp() > '" + begun + "'::timestamptz + interval '3 seconds'";
    while (bench().value(passed) != "t") std::this_thread::sleep_for(std::chrono::milliseconds(20));
    slow.commit();

    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto sealed = [] {
        return bench().value("select sum(next_journal_no - 1) from ledger.shard") ==
               bench().value("select sum(to_no - from_no + 1) from ledger.seal");
    };
    while (!sealed() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(sealed());
}

TEST_F(Audit, AClockThatWasAheadIsSeenUntilItHasCaughtUp) {
    base::Database database(sealers());
    const ledger::Sweeper sweeper({std::chrono::milliseconds(20)}, database, bench().ledger().shards(),
                                  base::Logger(base::LogLevel::error));
    const auto comes = [&](auto right) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!right(sweeper.clock_behind()) && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return right(sweeper.clock_behind());
    };
    const std::string posted_at = "update ledger.shard set last_recorded_at = clock_timestamp() + interval ";
    tamper(posted_at + "'2 hours' where shard = " + std::to_string(account_->shard));
    EXPECT_TRUE(comes([](auto behind) { return behind > std::chrono::minutes(119); }));
    tamper(posted_at + "'0'");
    EXPECT_TRUE(comes([](auto behind) { return behind.count() == 0; }));
}

TEST_F(Audit, TheJournalAndItsSealsCantBeChangedByAnybody) {
    seal();
    for (const auto* role : {"postgres", "ledgerline_service", "ledgerline_finance"}) {
        auto session = bench().session(role);
        for (const auto* statement :
             {"update ledger.journal set amount = amount + 1", "delete from ledger.journal",
              "truncate ledger.journal", "update ledger.seal set hash = hash", "delete from ledger.seal",
              "truncate ledger.seal"}) {
            EXPECT_THROW(session.exec(statement), base::sql::Error) << role << ": " << statement;
        }
    }
}

TEST_F(Audit, FindsAChangedRowByItsSealAndNamesIt) {
    seal();
    tamper("update ledger.journal set description = 'another'" + song());
    expect_wrong("each sealed journal row is as it was sealed");
    EXPECT_NE(wrong().find("\"reference\":\"song\""), std::string::npos) << wrong();
}

TEST_F(Audit, FindsASealThatWasMadeAnew) {
    seal();
    tamper("update ledger.seal set hash = sha256(hash) where from_no = 1");
    EXPECT_NE(wrong(), "nothing");
}

TEST_F(Audit, FindsAChangedRowThatIsNotSealed) {
    tamper("update ledger.journal set amount = amount + 1" + song());
    expect_wrong("along each balance, seq counts");
}

TEST_F(Audit, FindsARemovedRow) {
    tamper("delete from ledger.journal" + song());
    expect_wrong("each shard's journal is numbered without gaps");
}

TEST_F(Audit, FindsTheLastRowRemoved) {
    tamper(
        "delete from ledger.journal j where journal_no = (select max(journal_no) from ledger.journal x"
        " where x.shard = j.shard)");
    expect_wrong("each shard's journal ends where its next number says");
}

TEST_F(Audit, FindsAnInsertedRow) {
    tamper(
        "insert into ledger.journal select (x).* from (select json_populate_record(j, json_build_object("
        "'journal_no', journal_no + 1000, 'seq', seq + 1000)) as x from ledger.journal j" +
        song() + ") y");
    expect_wrong("each shard's journal is numbered without gaps");
}

TEST_F(Audit, FindsAnInsertedRowThatIsNumberedRight) {
    tamper(
        "insert into ledger.journal select (x).* from (select json_populate_record(j, json_build_object("
        "'journal_no', s.next_journal_no, 'seq', b.seq + 1, 'balance_after', b.posted + j.amount,"
        " 'recorded_at', s.last_recorded_at)) as x"
        " from ledger.journal j join ledger.shard s using (shard)"
        " join ledger.balance b using (shard, account_id, balance_no)" +
        song() + ") y");
    tamper(
        "update ledger.shard s set next_journal_no = next_journal_no + 1 from ledger.journal j"
        " where j.shard = s.shard and j.reference = 'song'");
    expect_wrong("each balance is the sum of its journal rows");
}

TEST_F(Audit, FindsABalanceThatDiffersFromItsJournal) {
    tamper("update ledger.balance set posted = posted + 1000 where balance_type = 'bonus'");
    expect_wrong("each balance is the sum of its journal rows");
}

TEST_F(Audit, FindsABalanceThatTakesItsAccountForAnother) {
    tamper("update ledger.balance set takes_unnamed = true where balance_type = 'bonus'");
    expect_wrong("each balance that may be charged without its account knows how that stands");
    tamper("update ledger.balance set takes_unnamed = false where balance_type = 'bonus'");
    tamper("update ledger.account set state = 'suspended'");
    expect_wrong("each balance that may be charged without its account knows how that stands");
}

TEST_F(Audit, FindsAContraTotalThatDiffersFromItsJournal) {
    tamper("update ledger.contra set total = total - 1 where contra = 'revenue'");
    expect_wrong("each contra total is the journal's other side");
}

TEST_F(Audit, FindsARequestWithoutItsRows) {
    tamper(
        "insert into ledger.request select (x).* from (select json_populate_record(r, json_build_object("
        "'reference', 'ghost')) as x from ledger.request r" +
        song() + ") y");
    expect_wrong("each request has its journal rows");
}

TEST_F(Audit, FindsRowsWithoutTheirRequest) {
    tamper("delete from ledger.request" + song());
    expect_wrong("each journal row has its request");
}

TEST_F(Audit, FindsARefundThatNobodyMade) {
    post(a_refund(account_, "film", "film", euro("1"))).value();
    EXPECT_EQ(wrong(), "nothing");
    tamper("update ledger.request set refunded = 0 where reference = 'film' and operation = 'charge'");
    expect_wrong("of each charge as much was given back");
}

TEST_F(Audit, FindsAVoucherThatCouldBeRedeemedAgain) {
    const auto code = ledger::random_voucher_code();
    bench().exec("select ledger.create_vouchers('summer', 'example.com', 'main', 500, null, null, array['" +
                 ledger::voucher_hash(code) + "'], array[null], array['" + ledger::voucher_mask(code) +
                 "'])");
    ledger::Redeem request;
    request.account = account_;
    request.origin = by_shop("bought");
    request.code = code;
    bench().run(ledger().redeem(std::move(request))).value();
    EXPECT_EQ(wrong(), "nothing");
    tamper("update ledger.voucher_batch set amount = 600");
    expect_wrong("each voucher that was credited is redeemed");
    tamper("update ledger.voucher_batch set amount = 500");
    tamper("update ledger.voucher set redeemed_at = null, account_id = null");
    expect_wrong("each voucher that was credited is redeemed");
}

TEST_F(Audit, FindsAShareThatDiffersFromItsSplit) {
    const auto other = bench().open_account();
    post(a_split({{account_, 50}, {other, 50}}, "both", euro("2"))).value();
    post(a_refund(other, "both-1", "both", euro("0.40"))).value();
    EXPECT_EQ(wrong(), "nothing");
    tamper("update ledger.request set refunded = 0 where reference = 'both' and account_id <> 0");
    expect_wrong("of each charge as much was given back");
    tamper("update ledger.request set amount = 90 where reference = 'both' and account_id = " +
           std::to_string(other->id));
    expect_wrong("each share of a split has its journal rows");
}

TEST_F(Audit, AReversedSplitsSharesAreAllGivenBack) {
    const auto other = bench().open_account();
    post(a_split({{account_, 50}, {other, 50}}, "both", euro("2"))).value();
    ledger::Account nobody;
    nobody.shard = static_cast<std::int16_t>(std::stoi(
        bench().value("select shard from ledger.request where reference = 'both' and account_id = 0")));
    post(a_reversal(std::make_shared<const ledger::Account>(nobody), "undo-both", "split", "both")).value();
    EXPECT_EQ(wrong(), "nothing");
    tamper("update ledger.request set refunded = 0 where reference = 'both' and account_id = " +
           std::to_string(other->id));
    expect_wrong("of each charge as much was given back");
}

TEST_F(Audit, FindsAChargeThatIsCalledReversedBesideOneThatWas) {
    post(a_reversal(account_, "undo-song", "charge", "song")).value();
    EXPECT_EQ(wrong(), "nothing");
    tamper("update ledger.request set refunded = amount where reference = 'film'");
    expect_wrong("of each charge as much was given back");
    EXPECT_NE(wrong().find("\"reference\":\"film\""), std::string::npos) << wrong();
}

TEST_F(Audit, FindsAReversedChargeThatCouldBeReversedAgain) {
    post(a_reversal(account_, "undo-song", "charge", "song")).value();
    tamper("update ledger.request set refunded = 0 where reference = 'song'");
    expect_wrong("of each charge as much was given back");
}

TEST_F(Audit, FindsAVolumeOfNobody) {
    tamper(
        "insert into ledger.request_volume (shard, request_id, volume, unit, before)"
        " select shard, 1000000, 5, 'bytes', 0 from ledger.shard limit 1");
    expect_wrong("each volume has its request");
}

TEST_F(Audit, FindsAHoldWhoseVolumeDiffersFromItsRequests) {
    tamper("update ledger.hold set volume = 7, captured_volume = 0");
    expect_wrong("each hold of a volume is what its requests asked for");
}

TEST_F(Audit, FindsATrialBalanceThatIsNotZero) {
    // Balance and journal agree with each other, and no total knows of it.
    tamper(
        "update ledger.balance set unit = 'USD' where balance_type = 'bonus' and account_id ="
        " (select account_id from ledger.journal where reference = 'song')");
    tamper(
        "update ledger.journal j set unit = 'USD' from ledger.balance b where b.unit = 'USD' and b.shard = "
        "j.shard and b.account_id = j.account_id and b.balance_no = j.balance_no");
    EXPECT_NE(wrong(), "nothing");
    EXPECT_EQ(bench().value("select count(*) from finance.trial_balance where total <> 0"), "2");
}

TEST_F(Audit, FindsATrialBalanceThatIsNotZeroWhereAllElseAgrees) {
    // As if more of the other side had been archived than there was.
    tamper(
        "insert into ledger.opening_contra (shard, contra, application_id, unit, total)"
        " select shard, contra, application_id, unit, 7 from ledger.contra where contra = 'revenue'");
    tamper("update ledger.contra set total = total + 7 where contra = 'revenue'");
    expect_wrong("per unit, all balances and all contra totals add up to 0");
}

TEST_F(Audit, FindsAHoldThatDiffersFromItsLegs) {
    tamper("update ledger.hold_leg set amount = amount + 1");
    expect_wrong("each hold is the sum of its legs");
}

TEST_F(Audit, FindsFundsHeldForNobody) {
    tamper("update ledger.balance set held = held + 1 where balance_type = 'main'");
    expect_wrong("each balance holds what its open holds have left");
}

TEST_F(Audit, RaisesNoFalseAlarmWhilePostingsAndSealsGoOn) {
    std::atomic<bool> stop = false;
    std::atomic<int> posted = 0;
    std::thread poster([&] {
        while (!stop) post(a_charge(account_, "load-" + std::to_string(posted++), euro("0.01"))).value();
    });
    for (int round = 0; round < 5; ++round) {
        const auto before = posted.load();
        while (posted < before + 20) std::this_thread::yield();
        seal();
        EXPECT_EQ(wrong(), "nothing");
    }
    stop = true;
    poster.join();
}

/// Something done to the same row of every shard, and the rule that finds it.
struct Tampering {
    const char* rule;
    std::string statement;
};

std::vector<Tampering> tamperings() {
    const std::string song_payers =
        "where balance_type = 'main' and account_id in"
        " (select account_id from saved.request where reference = 'song')";
    return {
        {"along each balance, seq counts",
         "update ledger.journal set amount = amount + 1 where reference = 'song'"},
        {"each shard's journal is numbered without gaps",
         "delete from ledger.journal where reference = 'song'"},
        {"each shard's journal is numbered without gaps",
         "insert into ledger.journal select (x).* from (select json_populate_record(j, json_build_object("
         "'journal_no', journal_no + 1000, 'seq', seq + 1000)) as x from ledger.journal j"
         " where reference = 'song') y"},
        {"each balance is the sum of its journal rows",
         "update ledger.balance set posted = posted - 1 " + song_payers},
        {"each contra total is the journal's other side",
         "update ledger.contra set total = total + 1 where contra = 'revenue'"},
        {"each request has its journal rows",
         "insert into ledger.request select (x).* from (select json_populate_record(r, json_build_object("
         "'reference', 'ghost', 'request_id', request_id + 1000)) as x from ledger.request r"
         " where reference = 'song') y"},
        {"each journal row has its request", "delete from ledger.request where reference = 'song'"},
        {"each hold is the sum of its legs", "update ledger.hold_leg set captured = captured + 1"},
        {"each hold is the sum of its legs", "delete from ledger.hold_leg"},
        {"each hold is the sum of its legs", "delete from ledger.hold"},
        {"each balance holds what its open holds have left",
         "update ledger.balance set held = held + 1 " + song_payers},
        {"each balance is the sum of its journal rows", "delete from ledger.balance " + song_payers},
    };
}

class AuditOverShards : public Audit {
  protected:
    void SetUp() override {
        Audit::SetUp();
        while (bench().value(
                   "select count(distinct shard) >= 4 from ledger.request where reference = 'song'") != "t") {
            const auto account = bench().open_account();
            post(a_charge(account, "song", euro("1.50"))).value();
            hold(account, euro("5"));
        }
        tamper("create schema saved");
        for (const auto* table : tables) {
            tamper(std::string("create table saved.") + table + " as table ledger." + table);
        }
    }
    static void restore() {
        for (const auto* table : tables) {
            tamper(std::string("delete from ledger.") + table);
            tamper(std::string("insert into ledger.") + table + " table saved." + table);
        }
    }
    static constexpr const char* tables[]{"balance", "contra", "hold", "hold_leg", "journal", "request"};
};

TEST_F(AuditOverShards, TheFirstWrongRowIsNamed) {
    const auto first =
        "\"shard\":" + bench().value("select min(shard) from ledger.request where reference = 'song'") + ",";
    EXPECT_EQ(wrong(), "nothing");
    for (const auto& [rule, statement] : tamperings()) {
        tamper(statement);
        expect_wrong(rule);
        EXPECT_NE(wrong().find(first), std::string::npos) << statement << ": " << wrong();
        restore();
        ASSERT_EQ(wrong(), "nothing") << "not restored after " << statement;
    }
    seal();
    tamper("update ledger.journal set description = 'another' where reference = 'song'");
    expect_wrong("each sealed journal row is as it was sealed");
    EXPECT_NE(wrong().find(first), std::string::npos) << wrong();
    restore();
    tamper("update ledger.journal set balance_after = balance_after - 1");
    EXPECT_NE(wrong().find("\"journal_no\":1,"), std::string::npos) << wrong();
}

}  // namespace
}  // namespace tests
