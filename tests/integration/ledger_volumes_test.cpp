// Prices and tariffs: what codes and volumes cost, and requests that are made of them.
#include "tests/support/ledger_suite.hpp"

#include <cstdint>
#include <random>

using namespace tests;

namespace {

class LedgerVolumes : public LedgerSuite {
  protected:
    /// As `ledgerline tariff add` does it.
    struct Tariff {
        std::string name = "t";
        std::optional<std::string> domain{}, application{};
        std::string unit = "bytes";
        std::optional<std::string> contract{}, service{}, operation{};
        std::string currency = "EUR";
        std::int64_t step = 1, per = 1, minimum_volume = 0, minimum = 0;
        std::string tier_from = "{0}", tier_price = "{0.01}";
        std::optional<std::string> from{}, to{};
    };

    void SetUp() override {
        LedgerSuite::SetUp();
        bench().exec(
            "truncate ledger.price; update ledger.tariff set valid_to = valid_from, name = name || ' ' || "
            "tariff_id");
    }

    static std::string add(const Tariff& t) {
        auto session = bench().session("ledgerline_service");
        const auto version = session.exec(
            "select ledger.add_tariff($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            base::sql::params(t.name, t.domain, t.application, t.unit, t.contract, t.service, t.operation,
                              t.currency, t.step, t.per, t.minimum_volume, t.minimum, t.tier_from,
                              t.tier_price, t.from, t.to));
        return version.optional_text(0, 0).value_or("none");
    }
    static void price(const std::string& code, const std::string& amount_minor,
                      const std::string& scope = "null, null, 'EUR'",
                      const std::string& validity = "null, null") {
        bench().exec("select ledger.set_price('" + code + "', " + scope + ", " + amount_minor + ", " +
                     validity + ")");
    }

    static ledger::Volume volume(std::int64_t value, std::vector<ledger::Property> parameters = {}) {
        return {value, std::move(parameters)};
    }
    static std::string rate(const ledger::AccountPtr& account, ledger::Volume of,
                            ledger::BalanceType type = {}, std::string application = "shop") {
        ledger::RateVolume question;
        question.account = account;
        question.application = std::move(application);
        question.volume = std::move(of);
        question.balance_type = std::move(type);
        const auto rated = bench().run(ledger().rate(std::move(question)));
        if (!rated) return std::string(to_string(rated.error()));
        return rated->amount.text(rated->decimals) + ' ' + rated->unit;
    }
    std::string rate(std::int64_t value, std::vector<ledger::Property> parameters = {}) {
        return rate(account_, volume(value, std::move(parameters)));
    }

    template <class Make>
    static std::string ask_volume(Make make) {
        const auto before = bench().fingerprint();
        const auto result = bench().run(make());
        if (!result) {
            EXPECT_EQ(bench().fingerprint(), before) << "a refusal changed something";
        }
        return outcome(result);
    }
    std::string charge(std::string reference, ledger::Volume of, ledger::BalanceType type = {}) {
        return ask_volume([&] {
            ledger::ChargeVolume request;
            request.account = account_;
            request.origin = by_shop(std::move(reference));
            request.volume = std::move(of);
            request.balance_type = std::move(type);
            return ledger().charge_volume(std::move(request));
        });
    }
    std::string refund(std::string reference, std::string original, std::int64_t value) {
        return ask_volume([&] {
            ledger::RefundVolume request;
            request.account = account_;
            request.origin = by_shop(std::move(reference));
            request.volume = volume(value);
            request.original_reference = std::move(original);
            return ledger().refund_volume(std::move(request));
        });
    }
    static std::string split(std::vector<ledger::Split::Share> shares, std::string reference,
                             ledger::Volume of, ledger::BalanceType type = {}) {
        return ask_volume([&] {
            ledger::SplitVolume request;
            request.shares = std::move(shares);
            request.origin = by_shop(std::move(reference));
            request.volume = std::move(of);
            request.balance_type = std::move(type);
            return ledger().split_volume(std::move(request));
        });
    }
    ledger::HoldPtr hold_volume(std::int64_t value, ledger::BalanceType type = {}) {
        ledger::PlaceVolume request;
        request.account = account_;
        request.origin = by_shop("");
        request.volume = volume(value);
        request.balance_type = std::move(type);
        const auto receipt = bench().run(ledger().place_volume(std::move(request)));
        return bench().run(ledger().find_hold(receipt.value().hold.value())).value();
    }
    static std::string extend(const ledger::HoldPtr& hold, std::int64_t value) {
        return ask_volume([&] {
            ledger::ExtendVolume request;
            request.hold = hold;
            request.origin = by_shop("");
            request.volume = value;
            return ledger().extend_volume(std::move(request));
        });
    }
    static std::string capture(const ledger::HoldPtr& hold, std::string reference, std::int64_t value) {
        return ask_volume([&] {
            ledger::CaptureVolume request;
            request.hold = hold;
            request.origin = by_shop(std::move(reference));
            request.volume = value;
            return ledger().capture_volume(std::move(request));
        });
    }
    static ledger::Amount by_code(std::optional<std::string> unit = {}) {
        ledger::Amount amount;
        amount.unit = std::move(unit);
        amount.by_code = true;
        return amount;
    }
    std::string charge_code(std::string reference, std::string code, std::optional<std::string> unit = {}) {
        auto request = a_charge(account_, std::move(reference), by_code(std::move(unit)));
        request.origin.code = std::move(code);
        return ask(std::move(request));
    }
};

TEST_F(LedgerVolumes, CodesHaveAPriceAndTheApplicationsOwnComesFirst) {
    EXPECT_EQ(charge_code("C1", "MUSIC"), "unknown_price");
    price("MUSIC", "150");
    price("MUSIC", "120", "null, 'elsewhere', 'EUR'");
    EXPECT_EQ(charge_code("C1", "MUSIC"), "posted");
    EXPECT_EQ(state(), "98.50 0.00 98.50");
    price("MUSIC", "170");
    EXPECT_EQ(charge_code("C2", "MUSIC"), "posted") << "the one that began last";
    EXPECT_EQ(state(), "96.80 0.00 96.80");
    price("MUSIC", "99", "'example.com', null, 'EUR'");
    EXPECT_EQ(charge_code("C3", "MUSIC"), "posted");
    EXPECT_EQ(state(), "95.81 0.00 95.81");
    price("MUSIC", "1", "null, 'shop', 'EUR'");
    EXPECT_EQ(charge_code("C4", "MUSIC", "EUR"), "posted");
    EXPECT_EQ(state(), "95.80 0.00 95.80");
    EXPECT_EQ(charge_code("C5", "MUSIC", "USD"), "unknown_price");
    EXPECT_EQ(charge_code("C5", ""), "unknown_price");
    EXPECT_EQ(bench().value("select code from finance.journal where reference_code = 'C4' and account_id = " +
                            std::to_string(account_->id)),
              "MUSIC");
}

TEST_F(LedgerVolumes, APriceHoldsFromItsFirstMomentUntilBeforeItsLast) {
    price("A", "100", "null, null, 'EUR'", "'2020-01-01', '2021-01-01'");
    price("A", "200", "null, null, 'EUR'", "'2021-01-01', '2022-01-01'");
    const auto at = [](const std::string& time) {
        return bench().value("select coalesce(ledger.price_of('A', 'example.com', 1, 'EUR', '" + time +
                             "')::text, 'none')");
    };
    EXPECT_EQ(at("2019-12-31 23:59:59.999999"), "none");
    EXPECT_EQ(at("2020-01-01"), "100");
    EXPECT_EQ(at("2020-12-31 23:59:59.999999"), "100");
    EXPECT_EQ(at("2021-01-01"), "200");
    EXPECT_EQ(at("2022-01-01"), "none");
    EXPECT_EQ(charge_code("A1", "A"), "unknown_price");
}

TEST_F(LedgerVolumes, ARequestByCodeIsKnownAgainWhateverItCostsByThen) {
    price("A", "100");
    EXPECT_EQ(charge_code("A1", "A"), "posted");
    price("A", "200");
    EXPECT_EQ(charge_code("A1", "A"), "replayed");
    bench().exec("select ledger.end_price('A', null, null, 'EUR', clock_timestamp())");
    EXPECT_EQ(charge_code("A1", "A"), "replayed");
    EXPECT_EQ(charge_code("A1", "B"), "reference_conflict");
    EXPECT_EQ(ask(a_charge(account_, "A1", euro("1"))), "reference_conflict");
    // What it cost when it was charged is given back.
    auto back = a_refund(account_, "A2", "A1", by_code());
    back.origin.code = "A";
    EXPECT_EQ(ask(std::move(back)), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
}

TEST_F(LedgerVolumes, ARefundThatNamesNoUnitIsInThatOfItsCharge) {
    // Counted as the default balance counts, a refund of 1500 fils would be one of 15 dinars.
    bench().exec("select ledger.define_balance_type('example.com', 'dinars', 'KWD', 40)");
    ASSERT_EQ(ask(a_credit(account_, "fill", amount("100"), "dinars")), "posted");
    const auto minor = [](const char* text) {
        auto value = amount(text);
        value.minor = true;
        return value;
    };
    ASSERT_EQ(ask(a_charge(account_, "M1", minor("20000"), "dinars")), "posted");
    EXPECT_EQ(state("dinars"), "80.000 0.000 80.000");
    EXPECT_EQ(ask(a_refund(account_, "M2", "M1", minor("1500"))), "posted");
    EXPECT_EQ(ask(a_refund(account_, "M2", "M1", minor("1500.0"))), "replayed");
    EXPECT_EQ(state("dinars"), "81.500 0.000 81.500");

    price("TUNE", "250", "null, null, 'KWD'");
    price("TUNE", "99");
    auto charge = a_charge(account_, "T1", by_code(), "dinars");
    charge.origin.code = "TUNE";
    ASSERT_EQ(ask(std::move(charge)), "posted");
    auto back = a_refund(account_, "T2", "T1", by_code());
    back.origin.code = "TUNE";
    EXPECT_EQ(ask(back), "posted");
    EXPECT_EQ(ask(back), "replayed");
    EXPECT_EQ(state("dinars"), "81.500 0.000 81.500");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
}

TEST_F(LedgerVolumes, HoldsCapturesAndSplitsGoByCodeToo) {
    price("A", "101");
    auto place = a_place(account_, "P1", by_code());
    place.origin.code = "A";
    const auto receipt = post(std::move(place));
    const auto hold = bench().run(ledger().find_hold(receipt.value().hold.value())).value();
    EXPECT_EQ(hold_state(hold), "101 0 open main:101-0");
    auto take = a_capture(hold, "A1", by_code());
    take.origin.code = "A";
    EXPECT_EQ(ask(std::move(take)), "posted");
    auto split = a_split({{account_, 50}, {bench().open_account(), 50}}, "S1", by_code());
    split.origin.code = "A";
    EXPECT_EQ(ask(split), "posted");
    EXPECT_EQ(ask(split), "replayed");
    EXPECT_EQ(state(), "98.48 0.00 98.48");
}

TEST_F(LedgerVolumes, ARefundByCodeGivesBackWhatWasChargedByIt) {
    const auto back = [&](std::string reference, std::string original, std::string code = "A") {
        auto request = a_refund(account_, std::move(reference), std::move(original), by_code());
        request.origin.code = std::move(code);
        return ask(std::move(request));
    };
    price("A", "100", "null, null, 'EUR'", "'2020-01-01', null");
    EXPECT_EQ(charge_code("A1", "A"), "posted");
    EXPECT_EQ(charge_code("A2", "A"), "posted");
    auto split = a_split({{account_, 50}, {bench().open_account(), 50}}, "A3", by_code());
    split.origin.code = "A";
    EXPECT_EQ(ask(std::move(split)), "posted");
    auto cheaper = a_charge(account_, "A4", euro("0.25"));
    cheaper.origin.code = "A";
    EXPECT_EQ(ask(std::move(cheaper)), "posted") << "the amount wins";
    // Entered today, for all of this year.
    price("A", "40", "null, null, 'EUR'", "date_trunc('year', now()), null");
    EXPECT_EQ(back("B1", "A1"), "posted");
    EXPECT_EQ(state(), "98.25 0.00 98.25");
    bench().exec("select ledger.end_price('A', null, null, 'EUR', '2020-01-01')");
    EXPECT_EQ(back("B2", "A2"), "posted");
    EXPECT_EQ(back("B3", "A3"), "posted") << "its share";
    EXPECT_EQ(back("B4", "A4"), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(back("B5", "A1"), "beyond_charge") << "it has come back";
    EXPECT_EQ(back("B5", "A1", "B"), "unknown_price");
}

TEST_F(LedgerVolumes, AReservationKeepsThePricesOfItsPlacing) {
    const auto place = [&] {
        auto request = a_place(account_, "", by_code());
        request.origin.code = "A";
        return bench().run(ledger().find_hold(post(std::move(request)).value().hold.value())).value();
    };
    const auto by_its_code = [](auto request, std::string code = "A") {
        request.origin.code = std::move(code);
        return ask(std::move(request));
    };
    price("A", "100", "null, null, 'EUR'", "'2020-01-01', null");
    const auto held = place();
    price("A", "120");
    EXPECT_EQ(by_its_code(an_extension(held, "", by_code())), "posted");
    EXPECT_EQ(hold_state(held), "200 0 open main:200-0");
    EXPECT_EQ(by_its_code(a_capture(held, "C1", by_code())), "posted");
    EXPECT_EQ(by_its_code(a_capture(held, "C2", by_code())), "posted");
    EXPECT_EQ(hold_state(held), "200 200 open main:200-200");
    EXPECT_EQ(hold_state(place()), "120 0 open main:120-0");
    // What has begun to have a price since has this one.
    const auto other = hold(account_, euro("1"));
    EXPECT_EQ(by_its_code(a_capture(other, "C3", by_code()), "NEW"), "unknown_price");
    price("NEW", "30");
    EXPECT_EQ(by_its_code(a_capture(other, "C3", by_code()), "NEW"), "posted");
    EXPECT_EQ(hold_state(other), "100 30 open main:100-30");
}

TEST_F(LedgerVolumes, AreRatedByStepsTiersAndMinimum) {
    EXPECT_EQ(rate(1), "no_tariff");
    add({.step = 60, .per = 60, .tier_price = "{0.10}"});
    EXPECT_EQ(rate(1), "0.10 EUR");
    EXPECT_EQ(rate(60), "0.10 EUR");
    EXPECT_EQ(rate(61), "0.20 EUR");
    EXPECT_EQ(rate(0), "not_positive");
    EXPECT_EQ(rate(-5), "not_positive");
    add({.minimum_volume = 10, .minimum = 5, .tier_from = "{0,100,200}", .tier_price = "{0.01,0.005,0}"});
    // This version has other selectors than none: the same ones, so it is version 2 and began last.
    EXPECT_EQ(rate(1), "0.10 EUR") << "as much as 10";
    EXPECT_EQ(rate(100), "1.00 EUR");
    EXPECT_EQ(rate(101), "1.01 EUR") << "100.5 is rounded half up";
    EXPECT_EQ(rate(102), "1.01 EUR");
    EXPECT_EQ(rate(103), "1.02 EUR");
    EXPECT_EQ(rate(1000000), "1.50 EUR") << "free beyond the last tier";
    add({.minimum = 5, .tier_price = "{0.00001}"});
    EXPECT_EQ(rate(1), "0.05 EUR");
    EXPECT_EQ(rate(5499), "0.05 EUR");
    EXPECT_EQ(rate(5500), "0.06 EUR");
}

TEST_F(LedgerVolumes, AreRatedExactlyWhateverTheirSize) {
    add({.per = 3, .tier_price = "{0.01}"});
    EXPECT_EQ(rate(1), "0.00 EUR");
    EXPECT_EQ(rate(2), "0.01 EUR") << "two thirds of a cent";
    EXPECT_EQ(rate(3), "0.01 EUR");
    EXPECT_EQ(rate(2'999'999'999'999'998), "9999999999999.99 EUR") << "a third of a cent more";
    EXPECT_EQ(rate(2'999'999'999'999'999), "10000000000000.00 EUR") << "a third of a cent less";
    EXPECT_EQ(rate(3'000'000'000'000'000), "10000000000000.00 EUR");
    EXPECT_EQ(rate(3'000'000'000'000'002), "too_large");
    EXPECT_EQ(rate(INT64_MAX), "too_large");
    add({.step = INT64_MAX, .per = INT64_MAX, .tier_price = "{1}"});
    EXPECT_EQ(rate(INT64_MAX), "1.00 EUR");
    EXPECT_EQ(rate(1), "1.00 EUR");
}

TEST_F(LedgerVolumes, ParametersSelectTheTariff) {
    add({.name = "plain", .tier_price = "{1}"});
    EXPECT_EQ(rate(1), "1.00 EUR") << "without a unit, where one unit has tariffs";
    add({.name = "gold", .contract = "gold", .tier_price = "{2}"});
    add({.name = "gold video", .contract = "gold", .service = "video", .tier_price = "{3}"});
    add({.name = "talk", .unit = "seconds", .tier_price = "{4}"});
    add({.name = "talk of others", .application = "elsewhere", .unit = "seconds", .tier_price = "{5}"});
    EXPECT_EQ(rate(1), "no_tariff") << "two units, and none is named";
    EXPECT_EQ(rate(1, {{"unit", "bytes"}}), "1.00 EUR");
    EXPECT_EQ(rate(1, {{"unit", "bytes"}, {"contract", "silver"}}), "1.00 EUR");
    EXPECT_EQ(rate(1, {{"unit", "bytes"}, {"contract", "gold"}}), "2.00 EUR");
    EXPECT_EQ(rate(1, {{"unit", "bytes"}, {"contract", "gold"}, {"service", "video"}, {"operation", "x"}}),
              "3.00 EUR");
    EXPECT_EQ(rate(1, {{"unit", "seconds"}, {"colour", "red"}}), "4.00 EUR");
    EXPECT_EQ(rate(1, {{"unit", "miles"}}), "no_tariff");
    EXPECT_EQ(rate(1, {{"unit", "bytes"}, {"unit", "seconds"}}), "invalid_parameters");
    EXPECT_EQ(rate(account_, volume(1, {{"unit", "seconds"}}), {}, "elsewhere"), "5.00 EUR");
    EXPECT_EQ(add({.name = "talk", .unit = "bytes"}), "none") << "a name means one kind of requests";
}

TEST_F(LedgerVolumes, OfABalancesOwnUnitNeedNoTariff) {
    EXPECT_EQ(rate(account_, volume(7), "data"), "7 bytes");
    EXPECT_EQ(rate(account_, volume(7, {{"unit", "seconds"}}), "data"), "no_tariff");
    EXPECT_EQ(rate(account_, volume(7), "nonesuch"), "unknown_balance");
    EXPECT_EQ(charge("D1", volume(400, {{"unit", "bytes"}}), "data"), "posted");
    EXPECT_EQ(state("data"), "999600 0 999600");
    EXPECT_EQ(charge("D2", volume(1'000'000), "data"), "insufficient_funds");
    EXPECT_EQ(refund("D3", "D1", 100), "posted");
    const auto hold = hold_volume(1000, "data");
    EXPECT_EQ(capture(hold, "D4", 300), "posted");
    EXPECT_EQ(state("data"), "999400 700 998700");
    account_ = bench().open_account(true);
    EXPECT_EQ(charge("D1", volume(400, {{"unit", "bytes"}})), "posted") << "spending order, by unit";
    EXPECT_EQ(state("data"), "999600 0 999600");
}

TEST_F(LedgerVolumes, ChargesAreIdempotentOverVolumeAndParameters) {
    add({});
    EXPECT_EQ(charge("C1", volume(10, {{"unit", "bytes"}, {"service", "s"}})), "posted");
    EXPECT_EQ(charge("C1", volume(10, {{"service", "s"}, {"unit", "bytes"}})), "replayed");
    add({.tier_price = "{5}"});
    EXPECT_EQ(charge("C1", volume(10, {{"unit", "bytes"}, {"service", "s"}})), "replayed");
    EXPECT_EQ(charge("C1", volume(11, {{"unit", "bytes"}, {"service", "s"}})), "reference_conflict");
    EXPECT_EQ(charge("C1", volume(10, {{"unit", "bytes"}})), "reference_conflict");
    EXPECT_EQ(ask(a_charge(account_, "C1", euro("0.10"))), "reference_conflict");
    EXPECT_EQ(state(), "99.90 0.00 99.90");
    EXPECT_EQ(charge("C2", volume(0)), "not_positive");
    EXPECT_EQ(charge("C2", volume(21)), "insufficient_funds");
    EXPECT_EQ(charge("C2", volume(1), "nonesuch"), "unknown_balance");
    bench().exec("select ledger.set_suspended(" + key_of(account_) + ", true)");
    EXPECT_EQ(charge("C2", volume(1)), "account_suspended");
    EXPECT_EQ(charge("C2", volume(1, {{"unit", "miles"}})), "account_suspended");
}

TEST_F(LedgerVolumes, WorthNothingAreRememberedToo) {
    add({.tier_from = "{0,100}", .tier_price = "{0,0.01}"});
    EXPECT_EQ(charge("C1", volume(100)), "posted");
    EXPECT_EQ(charge("C1", volume(100)), "replayed");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(refund("B1", "C1", 101), "beyond_charge");
    EXPECT_EQ(refund("B1", "C1", 100), "posted");
    EXPECT_EQ(refund("B1", "C1", 100), "replayed");
    const auto known = bench().run(ledger().requests(account_, "shop", "B1")).value();
    ASSERT_EQ(known.size(), 1U) << "whoever lost the answer learns that it was done";
    EXPECT_EQ(known[0].operation + ' ' + known[0].amount.text(2) + ' ' + known[0].unit, "refund 0.00 EUR");
    EXPECT_EQ(refund("B2", "C1", 1), "beyond_charge");
    EXPECT_EQ(ask(a_refund(account_, "B3", "C1", euro("0.01"))), "beyond_charge");
    const auto hold = hold_volume(50);
    EXPECT_EQ(hold_state(hold), "0 0 open main:0-0");
    EXPECT_EQ(capture(hold, "K1", 50), "posted");
    EXPECT_EQ(capture(hold, "K2", 1), "beyond_hold");
    EXPECT_EQ(extend(hold, 70), "posted");
    EXPECT_EQ(hold_state(hold), "20 0 open main:20-0");
    EXPECT_EQ(capture(hold, "K2", 70), "posted");
    EXPECT_EQ(state(), "99.80 0.00 99.80");
}

TEST_F(LedgerVolumes, RefundsGoDownTheWayThatTheChargeWentUp) {
    add({.per = 3, .tier_price = "{0.01}"});
    EXPECT_EQ(charge("C1", volume(10)), "posted");
    EXPECT_EQ(state(), "99.97 0.00 99.97");
    add({.tier_price = "{5}"});
    EXPECT_EQ(refund("R0", "C1", 11), "beyond_charge");
    EXPECT_EQ(refund("R1", "C1", 1), "posted");  // 10 and 9 thirds both round to 3
    EXPECT_EQ(state(), "99.97 0.00 99.97");
    EXPECT_EQ(refund("R1", "C1", 1), "replayed");
    EXPECT_EQ(refund("R2", "C1", 5), "posted");  // 9 to 4 thirds: 3 to 1
    EXPECT_EQ(state(), "99.99 0.00 99.99");
    EXPECT_EQ(refund("R3", "C1", 4), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00");
    EXPECT_EQ(refund("R4", "C1", 1), "beyond_charge");
    EXPECT_EQ(refund("R5", "nonesuch", 1), "unknown_charge");
}

TEST_F(LedgerVolumes, HoldsOfAmountsAndOfVolumesDoNotMix) {
    add({});
    const auto of_volume = hold_volume(10);
    const auto of_amount = hold(account_, euro("1"));
    EXPECT_TRUE(of_volume->of_volume);
    EXPECT_EQ(ask(a_capture(of_volume, "C1", euro("0.01"))), "unknown_hold");
    EXPECT_EQ(ask(an_extension(of_volume, "", euro("0.01"))), "unknown_hold");
    EXPECT_EQ(capture(of_amount, "C1", 1), "unknown_hold");
    EXPECT_EQ(extend(of_amount, 1), "unknown_hold");
    // Another node reads what it is from the table.
    const auto second = bench().another();
    EXPECT_TRUE(bench().run(second->find_hold(of_volume->id)).value()->of_volume);
    EXPECT_FALSE(bench().run(second->find_hold(of_amount->id)).value()->of_volume);
    EXPECT_EQ(ask(a_release(of_volume, "")), "posted");
    EXPECT_EQ(capture(of_volume, "C1", 1), "unknown_hold");
    make_due(of_amount);
}

TEST_F(LedgerVolumes, CapturesAddUpToWhatAllOfThemCost) {
    add({.per = 7, .minimum = 2, .tier_from = "{0,50}", .tier_price = "{0.03,0.01}"});
    const auto rated = [](std::int64_t v) {  // the oracle, in cents: half up, at least 2
        const auto sum = 3 * std::min<std::int64_t>(v, 50) + std::max<std::int64_t>(v - 50, 0);
        return v == 0 ? 0 : std::max<std::int64_t>(2, (2 * sum + 7) / 14);
    };
    std::mt19937_64 random(7);
    for (int round = 0; round < 3; ++round) {
        account_ = bench().open_account();
        std::int64_t held = 40;
        std::int64_t captured = 0;
        const auto hold = hold_volume(held);
        add({.per = 7, .tier_price = "{9}"});  // the hold keeps the version of its placing
        for (int step = 0; step < 25; ++step) {
            const auto v = static_cast<std::int64_t>(random() % 12);
            const auto reference = std::to_string(step);
            if (random() % 3 > 0) {
                const auto expected = v == 0                ? "not_positive"
                                      : v > held - captured ? "beyond_hold"
                                                            : "posted";
                ASSERT_EQ(capture(hold, reference, v), expected) << step;
                if (v <= held - captured) captured += v;
            } else if (random() % 2 == 0) {
                ASSERT_EQ(extend(hold, v), v == 0 ? "not_positive" : "posted") << step;
                held += v;
            } else {
                const auto expected = v == 0                ? "not_positive"
                                      : v > held - captured ? "excess_give_back"
                                                            : "posted";
                ASSERT_EQ(extend(hold, -v), expected) << step;
                if (v <= held - captured) held -= v;
            }
            const auto state = std::to_string(rated(held)) + ' ' + std::to_string(rated(captured));
            ASSERT_TRUE(hold_state(hold).starts_with(state + " open")) << hold_state(hold) << ", " << state;
        }
        EXPECT_EQ(ask(a_release(hold, "")), "posted");
        const auto left = base::Decimal::of_minor(10'000 - rated(captured), 2).text(2);
        EXPECT_EQ(state(), left + " 0.00 " + left);
        bench().exec("update ledger.tariff set valid_to = valid_from where tier_price = '{900}'");
    }
}

TEST_F(LedgerVolumes, SplitsShareWhatTheVolumeCosts) {
    add({});
    const auto other = bench().open_account();
    const std::vector<ledger::Split::Share> halves{{account_, 50}, {other, 50}};
    EXPECT_EQ(split(halves, "V1", volume(101)), "posted");
    EXPECT_EQ(split(halves, "V1", volume(101)), "replayed");
    EXPECT_EQ(split(halves, "V1", volume(102)), "reference_conflict");
    EXPECT_EQ(split(halves, "V2", volume(0)), "not_positive");
    EXPECT_EQ(state(), "99.49 0.00 99.49");
    EXPECT_EQ(state(other, "main"), "99.50 0.00 99.50");
    EXPECT_EQ(bench().value("select concat_ws(' ', kind, volume, unit, amount, amount_unit) from "
                            "finance.volumes where reference_code = 'V1'"),
              "split 101 bytes 1.01 EUR");
}

TEST_F(LedgerVolumes, ASplitVolumeIsRefundedToEachAccountUpToItsPart) {
    add({.tier_from = "{0,100}", .tier_price = "{0.01,0.002}"});
    const auto other = bench().open_account();
    const std::vector<ledger::Split::Share> parts{{account_, 67}, {other, 33}};
    // 1000 bytes cost 2.80: 1.876 and 0.924, the cent that is left goes to the first.
    EXPECT_EQ(split(parts, "W1", volume(1000)), "posted");
    EXPECT_EQ(state() + ", " + state(other, "main"), "98.12 0.00 98.12, 99.08 0.00 99.08");
    EXPECT_EQ(refund("B1", "W1", 671), "beyond_charge");
    EXPECT_EQ(refund("B1", "W1", 0), "not_positive");
    EXPECT_EQ(refund("B1", "W1", 335), "posted");
    EXPECT_EQ(state(), "99.06 0.00 99.06");
    EXPECT_EQ(refund("B1", "W1", 335), "replayed");
    EXPECT_EQ(refund("B2", "W1", 336), "beyond_charge");
    EXPECT_EQ(refund("B2", "W1", 335), "posted");
    EXPECT_EQ(state(), "100.00 0.00 100.00") << "all of the part gives all of its price back";
    EXPECT_EQ(bench().value("select string_agg(concat_ws(' ', volume, refunded_volume, amount), ',') from"
                            " finance.volumes where reference_code = 'W1'"),
              "1000 670 2.80");
    // Balances that count volumes themselves.
    EXPECT_EQ(split(parts, "W2", volume(101), "data"), "posted");
    EXPECT_EQ(state("data"), "999932 0 999932");
    EXPECT_EQ(refund("B3", "W2", 69), "beyond_charge");
    EXPECT_EQ(refund("B3", "W2", 68), "posted");
    EXPECT_EQ(state("data"), "1000000 0 1000000");
    // Of nothing that anybody had, nothing comes back.
    EXPECT_EQ(split(parts, "W3", volume(1), "data"), "not_positive");
}

TEST_F(LedgerVolumes, ASplitVolumeIsDebitedAsItsAccountsSpend) {
    const auto other = bench().open_account();
    const std::vector<ledger::Split::Share> halves{{account_, 50}, {other, 50}};
    const auto bytes = [](std::int64_t value) { return volume(value, {{"unit", "bytes"}}); };
    const auto spend = [](const ledger::AccountPtr& account) {
        bench().exec("select ledger.set_spending_order(" + key_of(account) + ", true)");
    };
    spend(account_);
    EXPECT_EQ(split(halves, "D1", bytes(100)), "no_tariff") << "the other one spends from main alone";
    spend(other);
    EXPECT_EQ(split(halves, "D1", bytes(100)), "posted");
    EXPECT_EQ(state("data") + ", " + state(other, "data"), "999950 0 999950, 999950 0 999950");
    EXPECT_EQ(refund("B1", "D1", 50), "posted");
    EXPECT_EQ(state("data"), "1000000 0 1000000");
    EXPECT_EQ(split(halves, "D2", volume(100, {{"unit", "seconds"}})), "no_tariff");
    // Where somebody has none (any more), a tariff is all that is one for both.
    add({});
    EXPECT_EQ(split(halves, "D3", bytes(100)), "posted");
    EXPECT_EQ(state("data"), "999950 0 999950");
    make_expired(other, "data", "1 minute");
    EXPECT_EQ(split(halves, "D4", bytes(100)), "posted");
    EXPECT_EQ(state("data") + ", " + state("bonus"), "999950 0 999950, 9.50 0.00 9.50");
}

}  // namespace
