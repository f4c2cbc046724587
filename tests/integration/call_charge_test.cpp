// What becomes of a call's charge that the ledger does not take.
#include "telephony/calls/call_charge.hpp"

#include "tests/support/ledger_suite.hpp"

#include <memory>
#include <string>

using namespace tests;

namespace {

class CallCharges : public LedgerSuite {
  protected:
    std::shared_ptr<calls::CallCharge> held(const std::string& code = {}, bool minor = false) {
        applications::Charging charging;
        charging.description = "a call";
        charging.currency = "EUR";
        if (code.empty())
            charging.amount = base::Decimal::parse(minor ? "200" : "2.00");
        else
            charging.code = code;
        constexpr std::chrono::seconds slice{60};
        auto charge =
            bench().run(calls::hold_charge(ledger(), "app", account_, std::move(charging), minor, slice));
        return std::make_shared<calls::CallCharge>(charge.value());
    }

    static calls::Settled settle(const std::shared_ptr<calls::CallCharge>& charge, std::int64_t seconds = 0) {
        return bench().run(calls::settle_charge(ledger(), base::Logger(), charge, true, seconds));
    }

    /// What finance finds that a call cost which was connected under this charge.
    static std::string told(const calls::CallCharge& charge) {
        calls::RecordFacts record;
        calls::record_charge(record, charge);
        auto session = bench().session();
        const base::sql::Transaction undone(session);
        session.exec(
            "insert into ledger.call (call_id, owner, calling, parties, state, created_at, started_at, hold, "
            "amount,"
            "                         unit, reference)"
            " values ('told', 'app', 'sip:a', '[]', 'connected', now(), now(), $1, nullif($2, '')::numeric, "
            "$3, $4)",
            base::sql::params(record.hold, record.amount, record.unit, record.reference));
        const auto rows =
            session.exec("select charge || ' ' || unit from finance.calls where call_id = 'told'");
        return std::string(rows.text(0, 0));
    }
};

TEST_F(CallCharges, AreToldAsTheyWereTaken) {
    bench().exec(
        "select ledger.add_tariff('calls', null, null, 'seconds', null, 'talk', null, 'EUR', 1, 1, 0, 0, "
        "'{0}',"
        " '{0.01}', null, null)");
    auto charge = held();
    EXPECT_EQ(told(*charge), "0.00 EUR");
    ASSERT_EQ(settle(charge), calls::Settled::posted);
    EXPECT_EQ(told(*charge), "2.00 EUR");

    auto counted = held({}, true);
    EXPECT_EQ(counted->amount.value, *base::Decimal::parse("2.00"));
    ASSERT_EQ(settle(counted), calls::Settled::posted);
    EXPECT_EQ(told(*counted), "2.00 EUR") << "of one who says 200";

    // Their holds were gone when the calls ended.
    charge = held("talk");
    make_due(charge->hold);
    ASSERT_EQ(settle(charge, 30), calls::Settled::posted);
    EXPECT_EQ(told(*charge), "0.30 EUR");
    charge = held();
    make_due(charge->hold);
    ASSERT_EQ(ask(a_charge(account_, "others", euro("95"))), "posted");
    ASSERT_EQ(settle(charge), calls::Settled::refused);
    EXPECT_EQ(told(*charge), "0.00 EUR");
}

TEST_F(CallCharges, ThatADefectOfTheLedgerKeepsFromBeingPostedAreStillToBeDone) {
    const auto charge = held();
    bench().exec("alter table ledger.journal rename to journal_away");
    EXPECT_EQ(settle(charge), calls::Settled::open)
        << "the call was free, and its record says that it is paid";
    bench().exec("alter table ledger.journal_away rename to journal");
    EXPECT_EQ(settle(charge), calls::Settled::posted);
    EXPECT_EQ(state(), "98.00 0.00 98.00");
}

}  // namespace
