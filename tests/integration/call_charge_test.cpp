// What becomes of a call's charge that the ledger does not take.
#include "telephony/calls/call_charge.hpp"

#include "tests/support/ledger_suite.hpp"

#include <memory>
#include <string>

using namespace tests;

namespace {

class CallCharges : public LedgerSuite {
  protected:
    std::shared_ptr<calls::CallCharge> held() {
        applications::Charging charging;
        charging.description = "a call";
        charging.currency = "EUR";
        charging.amount = base::Decimal::parse("2.00");
        auto charge = bench().run(
            calls::hold_charge(ledger(), "app", account_, std::move(charging), std::chrono::seconds(60)));
        return std::make_shared<calls::CallCharge>(charge.value());
    }

    static calls::Settled settle(const std::shared_ptr<calls::CallCharge>& charge) {
        return bench().run(calls::settle_charge(ledger(), base::Logger(), charge, true, 0));
    }
};

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
