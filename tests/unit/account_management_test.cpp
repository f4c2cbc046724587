// What Account Management decides by itself: which fault a refusal is, and how a history reads.
#include "accountmgmt/faults.hpp"
#include "accountmgmt/history_details.hpp"
#include "app/faults_document.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace {

using ledger::Refusal;

TEST(AccountManagementFaults, every_refusal_has_one_row_or_is_none_of_its) {
    std::set<Refusal> rows;
    for (const auto& row : accountmgmt::fault_rows()) EXPECT_TRUE(rows.insert(row.cause).second);
    const std::set<Refusal> others{
        Refusal::account_suspended,  Refusal::insufficient_funds, Refusal::unknown_hold,
        Refusal::beyond_hold,        Refusal::excess_give_back,   Refusal::unknown_charge,
        Refusal::beyond_charge,      Refusal::refund_not_linked,  Refusal::invalid_shares,
        Refusal::invalid_parameters, Refusal::unknown_price,      Refusal::no_tariff,
        Refusal::invalid_text};
    for (const auto refusal : ledger::all_refusals()) {
        EXPECT_NE(rows.contains(refusal), others.contains(refusal)) << to_string(refusal);
        if (others.contains(refusal)) {
            EXPECT_EQ(accountmgmt::refused(refusal).fault, frontend::fault(frontend::Code::internal));
        }
    }
}

TEST(AccountManagementFaults, own_rows_stand_in_their_order) {
    std::size_t place = 0;
    for (const auto& row : accountmgmt::own_fault_rows())
        EXPECT_EQ(static_cast<std::size_t>(row.cause), place++);
}

TEST(AccountManagementFaults, the_voucher_is_named_as_it_was_sent) {
    const auto fault = accountmgmt::refused(Refusal::voucher_expired, "AB-12").fault;
    EXPECT_EQ(fault.faultstring(), "SVC0251: Voucher AB-12 is not valid.");
    EXPECT_EQ(fault.log_text(), "SVC0251: Voucher %1 is not valid.") << "no secret in logs";
}

TEST(FaultsDocument, is_made_from_the_tables) {
    std::ifstream file(LEDGERLINE_SOURCE_DIR "/docs/faults.md");
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), app::faults_document()) << "write it anew: ledgerline faults > docs/faults.md";
}

TEST(HistoryDetails, are_pairs_that_a_shell_would_take_apart) {
    ledger::HistoryEntry entry;
    entry.kind = "charge";
    entry.unit = "EUR";
    entry.decimals = 2;
    entry.amount = base::Decimal::of_minor(-150, 2);
    entry.balance_after = base::Decimal::of_minor(9850, 2);
    entry.balance_type = "main";
    entry.application = "shop@example.com";
    entry.reference = R"(a "b" \c)";
    EXPECT_EQ(accountmgmt::history_details(entry),
              "kind=charge amount=-1.50 unit=EUR balanceType=main balanceAfter=98.50 "
              R"(application=shop@example.com referenceCode="a \"b\" \\c")");
    entry.code = "A=1";
    entry.description = "\xC3\x84";
    EXPECT_TRUE(accountmgmt::history_details(entry).ends_with(" code=\"A=1\" description=\"\xC3\x84\""));
    entry.description = "two\r\nlines\tof \\n";
    EXPECT_TRUE(accountmgmt::history_details(entry).ends_with(R"( description="two\r\nlines\tof \\n")"));
}

}  // namespace
