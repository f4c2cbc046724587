// The common ground of suites that ask the ledger one thing after the other.
#pragma once

#include "tests/support/ledger.hpp"
#include "tests/support/ledger_audit.hpp"
#include "tests/support/ledger_requests.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace tests {

/// One database a suite; accounts of their own for each test; the ledger's rules are checked after each.
class LedgerSuite : public testing::Test {
  protected:
    static void SetUpTestSuite() { bench_.emplace(); }
    static void TearDownTestSuite() { bench_.reset(); }

    void SetUp() override { account_ = bench().open_account(); }
    void TearDown() override {
        auto session = bench().session();
        EXPECT_EQ(broken_rules(session), "");
    }

    static LedgerBench& bench() { return *bench_; }
    static ledger::Ledger& ledger() { return bench().ledger(); }

    static ledger::Result<ledger::Receipt> post(Request request) {
        return bench().run(tests::post(ledger(), std::move(request)));
    }

    /// What became of a request; of a refused one also that it changed nothing.
    static std::string ask(Request request) {
        const auto before = bench().fingerprint();
        const auto result = post(std::move(request));
        if (!result) {
            EXPECT_EQ(bench().fingerprint(), before) << "a refusal changed something";
        }
        return outcome(result);
    }

    /// Places a hold that must be accepted.
    static ledger::HoldPtr hold(ledger::AccountPtr account, ledger::Amount value,
                                ledger::BalanceType type = {}) {
        const auto receipt = post(a_place(std::move(account), "", std::move(value), std::move(type)));
        return bench().run(ledger().find_hold(receipt.value().hold.value())).value();
    }

    static std::string key_of(const ledger::AccountPtr& account) {
        return std::to_string(account->shard) + "::smallint, " + std::to_string(account->id);
    }

    /// "posted held available" as finance staff see them.
    static std::string state(const ledger::AccountPtr& account, const std::string& type = "main") {
        return bench().value(
            "select coalesce((select concat_ws(' ', posted, held, available) from finance.balances where "
            "account_id = " +
            std::to_string(account->id) + " and balance_type = '" + type + "'), 'none')");
    }
    std::string state(const std::string& type = "main") { return state(account_, type); }

    /// "amount captured left state", then the legs of it.
    static std::string hold_state(const ledger::HoldPtr& hold) {
        return bench().value(
            "select concat_ws(' ', h.amount, h.captured, h.state, (select string_agg(concat(b.balance_type, "
            "':', "
            "l.amount, '-', l.captured), ' ' order by l.leg_no) from ledger.hold_leg l join ledger.balance b"
            " on b.shard = l.shard and b.account_id = h.account_id and b.balance_no = l.balance_no"
            " where l.shard = h.shard and l.hold_id = h.hold_id)) from ledger.hold h where h.hold_id = '" +
            base::hex(hold->id.id) + "'");
    }

    static void set_credit_limit(const ledger::AccountPtr& account, const std::string& type, int minor) {
        bench().exec("select ledger.set_credit_limit(" + key_of(account) + ", '" + type + "', " +
                     std::to_string(minor) + ")");
    }

    /// As if the time of a hold had come; nobody swept.
    static void make_due(const ledger::HoldPtr& hold) {
        bench().exec("update ledger.hold set expires_at = clock_timestamp() where hold_id = '" +
                     base::hex(hold->id.id) + "'");
        bench().exec(
            "update ledger.account set next_hold_expiry = clock_timestamp() - interval '1 second' where "
            "account_id = " +
            std::to_string(hold->account->id));
    }

    /// As if a balance had expired so long ago.
    static void make_expired(const ledger::AccountPtr& account, const std::string& type,
                             const std::string& ago) {
        bench().exec("update ledger.balance set expires_at = clock_timestamp() - interval '" + ago +
                     "' where account_id = " + std::to_string(account->id) + " and balance_type = '" + type +
                     "'");
    }

    static inline std::optional<LedgerBench> bench_;
    ledger::AccountPtr account_;  ///< main EUR 100.00 (default), bonus EUR 10.00, data 1,000,000 bytes
};

}  // namespace tests
