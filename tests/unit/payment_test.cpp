// What Payment decides by itself: which fault a refusal is, and what a volume's parameters mean.
#include "payment/desk.hpp"
#include "payment/faults.hpp"
#include "payment/volume_terms.hpp"

#include <gtest/gtest.h>

#include <set>

namespace {

using ledger::Refusal;
using payment::Measure;

std::string told(Refusal refusal, Measure measure) {
    return payment::refused(refusal, measure).fault.faultstring();
}

TEST(payment_faults, every_refusal_has_one_row_or_is_none_of_payments) {
    std::set<Refusal> rows;
    for (const auto& row : payment::fault_rows()) EXPECT_TRUE(rows.insert(row.cause).second);
    const std::set<Refusal> others{Refusal::invalid_period,   Refusal::unknown_voucher,
                                   Refusal::voucher_redeemed, Refusal::voucher_expired,
                                   Refusal::voucher_blocked,  Refusal::voucher_throttled};
    for (const auto refusal : ledger::all_refusals()) {
        EXPECT_NE(rows.contains(refusal), others.contains(refusal)) << to_string(refusal);
        if (others.contains(refusal)) {
            EXPECT_NE(told(refusal, Measure::amount).find("internal"), std::string::npos);
        }
    }
}

TEST(payment_faults, a_volume_names_its_part_where_an_amount_is_invalid_charging_information) {
    for (const auto refusal : {Refusal::not_positive, Refusal::too_large, Refusal::excess_give_back,
                               Refusal::no_tariff, Refusal::balance_limit}) {
        EXPECT_TRUE(told(refusal, Measure::amount).starts_with("SVC0007")) << to_string(refusal);
        EXPECT_EQ(told(refusal, Measure::volume), "SVC0002: Invalid input value for message part volume");
    }
    EXPECT_TRUE(told(Refusal::beyond_hold, Measure::volume).starts_with("SVC0270"));
    EXPECT_TRUE(told(Refusal::unknown_price, Measure::amount).starts_with("SVC0007"));
}

TEST(payment_faults, only_want_of_capacity_asks_to_try_again) {
    for (const auto refusal : ledger::all_refusals()) {
        EXPECT_EQ(payment::refused(refusal).try_again,
                  refusal == Refusal::overloaded || refusal == Refusal::unavailable);
    }
}

TEST(payment_key, a_digest_stands_for_what_is_too_long_for_the_books) {
    frontend::Call call;
    call.message_id = "urn:uuid:1";
    EXPECT_EQ(payment::key_of(call, 10), "urn:uuid:1");
    const auto digest = payment::key_of(call, 9);
    EXPECT_TRUE(digest.starts_with("digest:")) << digest;
    EXPECT_EQ(payment::key_of(call, 9), digest);
    call.idempotency_key = "k";
    EXPECT_EQ(payment::key_of(call, 9), "k");
    call.idempotency_key = "\xFF";
    EXPECT_TRUE(payment::key_of(call, 9).starts_with("digest:"));
}

TEST(payment_volume_terms, a_property_means_what_the_element_means) {
    const auto terms = payment::volume_terms(
        5, {{"unit", "bytes"}, {"balanceType", "data"}, {"originalReferenceCode", "r"}}, std::nullopt);
    ASSERT_TRUE(terms);
    EXPECT_EQ(terms->volume.value, 5);
    EXPECT_EQ(terms->balance_type, "data");
    // Only refunds name a charge; elsewhere it is a parameter like others.
    ASSERT_EQ(terms->volume.parameters.size(), 2U);
    EXPECT_EQ(terms->volume.parameters[0].name, "unit");
    EXPECT_FALSE(terms->original_reference);

    const auto refund = payment::refund_terms(5, {{"originalReferenceCode", "r"}}, "data", "r");
    ASSERT_TRUE(refund);
    EXPECT_EQ(refund->original_reference, "r");
    EXPECT_TRUE(refund->volume.parameters.empty());
}

TEST(payment_volume_terms, empty_properties_are_absent_and_two_values_are_a_fault) {
    const auto empty = payment::volume_terms(1, {{"balanceType", ""}}, std::nullopt);
    ASSERT_TRUE(empty);
    EXPECT_FALSE(empty->balance_type);
    EXPECT_TRUE(empty->volume.parameters.empty());

    EXPECT_EQ(payment::volume_terms(1, {{"balanceType", "a"}}, "b").error(), Refusal::unknown_balance);
    EXPECT_EQ(payment::volume_terms(1, {{"balanceType", "a"}, {"balanceType", "b"}}, {}).error(),
              Refusal::unknown_balance);
    EXPECT_EQ(payment::refund_terms(1, {{"originalReferenceCode", "a"}}, {}, "b").error(),
              Refusal::unknown_charge);
}

}  // namespace
