// Connections that are cut around a request: it is posted exactly once, and its sender gets the right
// receipt.
#include "ledger/lane.hpp"
#include "tests/support/cutting_proxy.hpp"
#include "tests/support/ledger_suite.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

using namespace tests;

namespace {

using Moment = CuttingProxy::Moment;

class LedgerConnection : public LedgerSuite {
  protected:
    static void SetUpTestSuite() {
        LedgerSuite::SetUpTestSuite();
        proxy_.emplace(bench().value("show unix_socket_directories") + "/.s.PGSQL.5432");
        const auto database = bench().value("select current_database()");
        far_ = bench().another("postgresql://ledgerline_service@/" + database + "?host=" + proxy_->folder());
    }
    static void TearDownTestSuite() {
        far_.reset();
        LedgerSuite::TearDownTestSuite();
        proxy_.reset();
    }

    /// Posts through the proxy, which cuts the connection at the marker, and then again by the direct way.
    static void post_with_a_cut(const std::string& name, const Request& request, const std::string& marker,
                                Moment moment) {
        const auto cuts = proxy_->cuts();
        // The shares of a split, rows of their own, are parts of it.
        const auto requests = [] {
            return std::stoi(bench().value(
                "select count(*) from ledger.request where operation <> 'split' or account_id = 0"));
        };
        const auto before = requests();
        proxy_->cut(marker, moment);
        const auto receipt = bench().run(tests::post(*far_, request));
        ASSERT_TRUE(receipt) << name << ": " << outcome(receipt);
        EXPECT_EQ(proxy_->cuts(), cuts + 1) << name;
        EXPECT_EQ(requests(), before + 1) << name << " was posted more or less than once";
        const auto again = post(request);
        if (has_no_key(request)) return;
        ASSERT_EQ(outcome(again), "replayed") << name;
        EXPECT_EQ(again->request_id, receipt->request_id) << name;
        EXPECT_EQ(again->journal_no, receipt->journal_no) << name;
        EXPECT_EQ(again->hold, receipt->hold) << name;
    }

    static bool has_no_key(const Request& request) {
        return std::visit([](const auto& r) { return r.origin.reference.empty(); }, request);
    }

    void every_operation(Moment moment, const std::string& mark) {
        const auto other = bench().open_account();
        const auto cut = [&](const std::string& name, const Request& request) {
            post_with_a_cut(name, request, mark + name, moment);
        };
        cut("charge", a_charge(account_, mark + "charge", euro("3")));
        cut("refund", a_refund(account_, mark + "refund", mark + "charge", euro("2")));
        cut("credit", a_credit(account_, mark + "credit", euro("4")));
        cut("credit of a new balance", a_credit(account_, mark + "credit of a new balance", euro("4"), mark));
        cut("place", a_place(account_, mark + "place", euro("20")));
        const auto held = hold(account_, euro("20"));
        cut("extend", an_extension(held, mark + "extend", euro("5")));
        cut("give back", an_extension(held, mark + "give back", euro("-1")));
        cut("capture", a_capture(held, mark + "capture", euro("6")));
        cut("release", a_release(held, mark + "release"));
        cut("adjust", an_adjustment(account_, mark + "adjust", euro("-1")));
        cut("transfer", a_transfer(account_, other, mark + "transfer", euro("10")));
        cut("split", a_split({{account_, 50}, {other, 50}}, mark + "split", euro("2")));
        cut("reverse", a_reversal(account_, mark + "reverse", "transfer", mark + "transfer"));
        EXPECT_EQ(state(), "95.00 20.00 75.00") << "-3 +2 +4 -6 -1 -10 -1 +10";
        EXPECT_EQ(state(account_, mark), "4.00 0.00 4.00");
        EXPECT_EQ(state(other), "99.00 0.00 99.00");
    }

    /// Where the sender gave no reference, the description tells the proxy.
    void every_keyless_operation(Moment moment, const std::string& mark) {
        const auto cut = [&](auto request, const std::string& name) {
            request.origin.description = mark + name;
            post_with_a_cut(name, request, mark + name, moment);
        };
        const auto held = hold(account_, euro("20"));
        cut(a_place(account_, "", euro("10")), "place");
        cut(an_extension(held, "", euro("10")), "extend");
        cut(a_release(held, ""), "release");
    }

    static inline std::optional<CuttingProxy> proxy_;
    static inline std::unique_ptr<ledger::Ledger> far_;
};

TEST_F(LedgerConnection, CutBeforeTheRequestArrives) {
    bench().exec("select ledger.define_balance_type('example.com', 'early-', 'EUR', 1)");
    every_operation(Moment::before_the_request_arrives, "early-");
}

TEST_F(LedgerConnection, CutAfterTheCommitAndBeforeTheAnswer) {
    bench().exec("select ledger.define_balance_type('example.com', 'late-', 'EUR', 1)");
    every_operation(Moment::after_the_answer_was_given, "late-");
}

TEST_F(LedgerConnection, RequestsWithoutAReferenceAreRepeatedByTheServerOnly) {
    const auto left = [&] { return bench().value("select count(*) from ledger.hold where state = 'open'"); };
    const auto before = std::stoi(left());
    every_keyless_operation(Moment::before_the_request_arrives, "keyless-early-");
    every_keyless_operation(Moment::after_the_answer_was_given, "keyless-late-");
    // Each posted twice through different ways: two holds a round; the second release finds nothing.
    EXPECT_EQ(std::stoi(left()), before + 4);
}

TEST_F(LedgerConnection, WhatIsLimitedIsPostedAndCountedOnce) {
    bench().exec("select ledger.set_limit('careful', 'requests_per_day', '', 100)");
    int posted = 0;
    for (const std::string marker : {"charge", "count_requests", "COMMIT"}) {
        for (const auto moment : {Moment::before_the_request_arrives, Moment::after_the_answer_was_given}) {
            const auto reference = "careful " + marker + std::to_string(++posted);
            auto request = a_charge(account_, reference, euro("1"));
            request.origin.application = "careful";
            post_with_a_cut(reference, request, marker == "charge" ? reference : marker, moment);
        }
    }
    EXPECT_EQ(state(), "94.00 0.00 94.00");
    EXPECT_EQ(bench().value("select used from ledger.limit_use join ledger.application using (application_id)"
                            " where limit_use.name = 'requests_per_day' and application.name = 'careful'"),
              std::to_string(posted));
}

TEST(LaneWithoutTraffic, GetsReadyAgain) {
    auto options = LedgerBench::default_options();
    options.lane.resend_for = std::chrono::milliseconds(0);
    options.lane.reconnect_pause = std::chrono::seconds(2);
    LedgerBench bench(options);
    CuttingProxy proxy(bench.value("show unix_socket_directories") + "/.s.PGSQL.5432");
    const auto database = bench.value("select current_database()");
    const auto far =
        bench.another("postgresql://ledgerline_service@/" + database + "?host=" + proxy.folder());
    const auto account = bench.open_account();
    proxy.cut("lost charge", Moment::before_the_request_arrives);
    EXPECT_EQ(outcome(bench.run(tests::post(*far, a_charge(account, "lost charge", euro("1"))))),
              "unavailable");
    EXPECT_EQ(far->trouble(), "not all have reached the database");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!far->trouble().empty() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(far->trouble(), "");
}

/// Nobody is asked more often because the server stops.
TEST(Lane, PausesBetweenItsTriesWhenItStopsWithoutADatabase) {
    const auto folder = std::filesystem::temp_directory_path() / ("lane-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    boost::asio::io_context io;
    {
        ledger::LaneOptions options;
        options.session.url = "postgresql://x@/x?host=" + folder.string();
        options.resend_for = std::chrono::milliseconds(500);
        options.reconnect_pause = std::chrono::milliseconds(100);
        const base::Logger log(base::LogOptions{.file = (folder / "log").string()});
        std::optional<ledger::Lane> lane;
        lane.emplace(options, log);
        ledger::Posting posting;
        posting.account = std::make_shared<const ledger::Account>();
        auto result = boost::asio::co_spawn(io, lane->post(std::move(posting)), boost::asio::use_future);
        while (lane->waiting() == 0) io.run_one();
        lane.reset();
        io.run();
        EXPECT_EQ(result.get().error(), ledger::Refusal::unavailable);
    }
    std::ifstream file(folder / "log");
    const auto tries = std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    EXPECT_GE(tries, 2);
    EXPECT_LE(tries, 7);
    std::filesystem::remove_all(folder);
}

TEST_F(LedgerConnection, DuplicatesFromTwoLedgersArePostedOnce) {
    std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>> work;
    const auto other = bench().open_account();
    constexpr int copies = 40;
    for (int i = 0; i < copies; ++i) {
        auto& through = i % 2 ? ledger() : *far_;
        work.push_back(tests::post(through, a_charge(account_, "same charge", euro("1"))));
        work.push_back(tests::post(through, a_place(account_, "same hold", euro("2"))));
        work.push_back(tests::post(through, a_transfer(account_, other, "same transfer", euro("3"))));
        work.push_back(tests::post(through, a_split({{account_, 50}, {other, 50}}, "same split", euro("4"))));
        work.push_back(tests::post(through, a_credit(account_, "same credit", euro("5"), "twins")));
    }
    bench().exec("select ledger.define_balance_type('example.com', 'twins', 'EUR', 1)");
    const auto results = bench().run_all(std::move(work));
    for (int kind = 0; kind < 5; ++kind) {
        int posted = 0;
        const auto& first = results[static_cast<std::size_t>(kind)];
        for (int i = 0; i < copies; ++i) {
            const auto& result = results[static_cast<std::size_t>(5 * i + kind)];
            ASSERT_TRUE(result) << kind << ' ' << outcome(result);
            posted += !result->replayed;
            EXPECT_EQ(result->request_id, first->request_id);
            EXPECT_EQ(result->hold, first->hold);
        }
        EXPECT_EQ(posted, 1) << kind;
    }
    EXPECT_EQ(state(), "94.00 2.00 92.00");
    EXPECT_EQ(state("twins"), "5.00 0.00 5.00");
    EXPECT_EQ(state(other), "101.00 0.00 101.00");
}

}  // namespace
