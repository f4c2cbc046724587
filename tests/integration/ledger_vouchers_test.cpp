// Vouchers: each once, in time, for its domain, and only so many guesses.
#include "ledger/voucher_code.hpp"
#include "tests/support/ledger_suite.hpp"

#include <algorithm>
#include <cctype>

using namespace tests;

namespace {

struct Voucher {
    std::string code = ledger::random_voucher_code();
    std::optional<std::string> pin{};
};
struct Batch {
    std::string domain = "example.com", balance = "main";
    int amount = 1000;
    std::optional<int> period{};
    std::optional<std::string> valid_until{};
};

class LedgerVouchers : public LedgerSuite {
  protected:
    static std::string make(const std::vector<Voucher>& vouchers, const Batch& batch = {}) {
        static int batches = 0;
        auto name = "batch-" + std::to_string(++batches);
        base::sql::ArrayText hashes, pins, masks;
        for (const auto& voucher : vouchers) {
            hashes.add(ledger::voucher_hash(voucher.code));
            pins.add(voucher.pin ? std::optional(ledger::voucher_pin_hash(voucher.code, *voucher.pin))
                                 : std::nullopt);
            masks.add(ledger::voucher_mask(voucher.code));
        }
        auto session = bench().session("ledgerline_service");
        const auto made =
            session.exec("select ledger.create_vouchers($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                         base::sql::params(name, batch.domain, batch.balance, batch.amount, batch.period,
                                           batch.valid_until, hashes, pins, masks));
        EXPECT_FALSE(made.is_null(0, 0));
        return name;
    }

    static boost::asio::awaitable<ledger::Result<ledger::Receipt>> redeeming(ledger::Ledger& by,
                                                                             ledger::AccountPtr account,
                                                                             std::string reference,
                                                                             Voucher voucher) {
        ledger::Redeem request;
        request.account = std::move(account);
        request.origin = by_shop(std::move(reference));
        request.code = std::move(voucher.code);
        request.pin = std::move(voucher.pin);
        return by.redeem(std::move(request));
    }
    static std::string redeem(const ledger::AccountPtr& account, std::string reference, Voucher voucher) {
        const auto before = bench().fingerprint();
        const auto result =
            bench().run(redeeming(ledger(), account, std::move(reference), std::move(voucher)));
        if (!result) {
            EXPECT_EQ(bench().fingerprint(), before) << "a refusal changed something";
        }
        return outcome(result);
    }
    std::string redeem(std::string reference, Voucher voucher) {
        return redeem(account_, std::move(reference), std::move(voucher));
    }
    static std::string view(const std::string& columns, const std::string& batch) {
        return bench().value("select concat_ws(' ', " + columns + ") from finance.vouchers where batch = '" +
                             batch + "'");
    }
};

TEST_F(LedgerVouchers, CreditOnceAndAnswerTheSameReferenceAgain) {
    const Voucher voucher;
    const auto batch = make({voucher});
    EXPECT_EQ(view("state, amount, unit", batch), "active 10.00 EUR");
    EXPECT_EQ(redeem("R1", voucher), "posted");
    EXPECT_EQ(redeem("R1", voucher), "replayed");
    EXPECT_EQ(redeem("R2", voucher), "voucher_redeemed");
    EXPECT_EQ(redeem("R1", Voucher()), "reference_conflict");
    EXPECT_EQ(state(), "110.00 0.00 110.00");
    EXPECT_EQ(view("state, address, application, reference_code", batch),
              "redeemed " + bench().address_of(account_) + " shop R1");
}

TEST_F(LedgerVouchers, TheJournalNamesTheBatchAndNeverTheSecret) {
    const Voucher voucher;
    const auto batch = make({voucher});
    ASSERT_EQ(redeem("R1", voucher), "posted");
    const auto mask = voucher.code.substr(voucher.code.size() - 4);
    EXPECT_EQ(bench().value("select concat_ws('|', kind, contra, amount, code, description) from "
                            "finance.journal where reference_code = 'R1' and account_id = " +
                            std::to_string(account_->id)),
              "voucher|vouchers|10.00|" + batch + "|voucher …" + mask + " of " + batch);
    const auto normal = ledger::normal_voucher_code(voucher.code);
    EXPECT_EQ(bench().value("select count(*) from ledger.voucher v where v::text ~* '" + normal + "'"), "0");
    EXPECT_EQ(bench().value("select count(*) from ledger.voucher v where v::text ~* '" + voucher.code + "'"),
              "0");
}

TEST_F(LedgerVouchers, AreReadAsPeopleTypeThem) {
    EXPECT_EQ(ledger::normal_voucher_code(" 7qk2-Mo\n xn-il "), "7QK2M0XN11");
    const Voucher voucher;
    make({voucher});
    auto typed = ledger::normal_voucher_code(voucher.code);
    std::ranges::transform(typed, typed.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_EQ(redeem("R1", {.code = typed}), "posted");
}

TEST_F(LedgerVouchers, GoToTheBalanceOfTheirBatchForItsPeriod) {
    bench().exec("select ledger.define_balance_type('example.com', 'gift', 'bytes', 5)");
    const std::vector<Voucher> vouchers{{}, {}};
    const Batch batch{.balance = "gift", .amount = 5000, .period = 30};
    make({vouchers[0]}, batch);
    make({vouchers[1]}, {.balance = "gift", .amount = 1, .period = 10});
    const auto days = [&] {
        return bench().value(
            "select round(extract(epoch from expires_at - clock_timestamp()) / 86400) from finance.balances "
            "where balance_type = 'gift' and account_id = " +
            std::to_string(account_->id));
    };
    EXPECT_EQ(redeem("R1", vouchers[0]), "posted");
    EXPECT_EQ(state("gift"), "5000 0 5000");
    EXPECT_EQ(days(), "30");
    EXPECT_EQ(redeem("R2", vouchers[1]), "posted");
    EXPECT_EQ(days(), "30") << "a shorter period shortens nothing";
}

TEST_F(LedgerVouchers, ThatExpiredOrAreBlockedOrOfOthersAreRefused) {
    const std::vector<Voucher> vouchers{{}, {}, {}, {}};
    make({vouchers[0]}, {.valid_until = "2020-01-01"});
    make({vouchers[1]}, {.valid_until = "2120-01-01"});
    const auto batch = make({vouchers[2], vouchers[3]});
    EXPECT_EQ(redeem("R1", vouchers[0]), "voucher_expired");
    EXPECT_EQ(redeem("R1", vouchers[1]), "posted");
    bench().exec("select ledger.block_vouchers('" + batch + "', 1, true)");
    EXPECT_EQ(redeem("R2", vouchers[2]), "voucher_blocked");
    EXPECT_EQ(redeem("R3", vouchers[3]), "posted");
    bench().exec("select ledger.block_vouchers('" + batch + "', 1, false)");
    bench().exec("select ledger.block_vouchers('" + batch + "', null, true)");
    EXPECT_EQ(redeem("R4", vouchers[2]), "voucher_blocked");

    bench().exec("select ledger.create_domain('example.net')");
    bench().exec("select ledger.define_balance_type('example.net', 'main', 'EUR', 1)");
    const Voucher other;
    make({other}, {.domain = "example.net"});
    EXPECT_EQ(redeem("R5", other), "unknown_voucher");
}

TEST_F(LedgerVouchers, WithAPinWantIt) {
    const Voucher voucher{.pin = "0042"};
    const Voucher plain;
    make({voucher});
    make({plain});
    EXPECT_EQ(redeem("R1", {.code = voucher.code}), "unknown_voucher");
    EXPECT_EQ(redeem("R1", {.code = voucher.code, .pin = "0043"}), "unknown_voucher");
    EXPECT_EQ(redeem("R1", {.code = plain.code, .pin = "0042"}), "unknown_voucher");
    EXPECT_EQ(redeem("R1", voucher), "posted");
    EXPECT_EQ(redeem("R2", {.code = plain.code, .pin = ""}), "posted") << "an empty element is absent";
}

TEST_F(LedgerVouchers, AfterTooManyWrongOnesNoneIsTakenUntilTheWindowEnds) {
    const Voucher voucher;
    const std::vector<Voucher> others{{}};
    make({voucher, others[0]});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(redeem("W" + std::to_string(i), Voucher()), "unknown_voucher") << i;
    EXPECT_EQ(redeem("R1", voucher), "voucher_throttled");
    EXPECT_EQ(redeem(bench().open_account(), "R1", others[0]), "posted") << "others may go on";
    bench().exec("update ledger.voucher_tries set since = since - interval '15 minutes'");
    EXPECT_EQ(redeem("R1", voucher), "posted");
}

TEST_F(LedgerVouchers, ReachAnAccountAsItIs) {
    const Voucher voucher;
    make({voucher});
    bench().exec("select ledger.set_suspended(" + key_of(account_) + ", true)");
    EXPECT_EQ(redeem("R1", voucher), "posted") << "a suspended account takes credits";
    ledger::Account stale = *account_;
    stale.epoch += 1;
    EXPECT_EQ(redeem(std::make_shared<const ledger::Account>(stale), "R2", Voucher()), "stale_address");
    bench().exec("select ledger.close_account(" + key_of(account_) + ", 1, '')");
    stale.epoch = 0;  // not compared
    EXPECT_EQ(redeem(std::make_shared<const ledger::Account>(stale), "R3", Voucher()), "account_closed");
}

TEST_F(LedgerVouchers, StayGoodWhateverElseIsWrongWithARequest) {
    const Voucher voucher;
    make({voucher});
    for (const auto& text :
         {std::string(), std::string(256, 'x'), std::string("a\0b", 3), std::string("\xff")})
        EXPECT_EQ(redeem(text, voucher), "invalid_reference");
    ledger::Account nobody = *account_;
    nobody.id = 999'999'999;
    EXPECT_EQ(redeem(std::make_shared<const ledger::Account>(nobody), "R1", voucher), "unknown_account");
    const auto set_posted = [&](const std::string& minor) {
        bench().exec("update ledger.balance set posted = " + minor +
                     " where balance_type = 'main' and account_id = " + std::to_string(account_->id));
    };
    set_posted("3999999999999999999");
    EXPECT_EQ(redeem("R1", voucher), "balance_limit");
    set_posted("10000");
    for (const auto& code : {std::string(), std::string("\xff\0", 2), std::string(100'000, 'A')})
        EXPECT_EQ(redeem("R1", {.code = code}), "unknown_voucher");
    EXPECT_EQ(redeem("R1", voucher), "posted");
    EXPECT_EQ(state(), "110.00 0.00 110.00");
}

TEST_F(LedgerVouchers, RaceForOneVoucherHasOneWinner) {
    const auto second = bench().another();
    for (int round = 0; round < 5; ++round) {
        const Voucher voucher;
        make({voucher});
        std::vector<ledger::AccountPtr> accounts;
        std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
        for (int i = 0; i < 4; ++i) {
            accounts.push_back(bench().open_account());
            for (auto* by : {&ledger(), second.get()})
                work.push_back(redeeming(*by, accounts.back(), "R1", voucher));
        }
        int posted = 0;
        int replayed = 0;
        for (const auto& result : bench().run_all(std::move(work))) {
            const auto became = outcome(result);
            posted += became == "posted" ? 1 : 0;
            replayed += became == "replayed" ? 1 : 0;
            EXPECT_TRUE(became == "posted" || became == "replayed" || became == "voucher_redeemed") << became;
        }
        EXPECT_EQ(posted, 1);
        EXPECT_EQ(replayed, 1);
        EXPECT_EQ(std::ranges::count_if(accounts,
                                        [](const auto& a) { return bench().posted(a, "main") == "110.00"; }),
                  1);
    }
}

TEST(VoucherCodes, AreRandomAndMasked) {
    const auto code = ledger::random_voucher_code();
    EXPECT_EQ(code.size(), 24U);
    EXPECT_NE(code, ledger::random_voucher_code());
    EXPECT_EQ(ledger::voucher_mask(code), code.substr(20));
    EXPECT_EQ(ledger::voucher_mask("short"), "");
    EXPECT_EQ(ledger::voucher_hash("ABC"),
              "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78");
    EXPECT_EQ(ledger::random_voucher_pin(6).size(), 6U);
}

}  // namespace
