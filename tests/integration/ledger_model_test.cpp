// Tens of thousands of random requests, each outcome and the tables compared with an oracle in memory.
//
//   LEDGER_SEED=N   runs the same requests again
//   LEDGER_STEPS=N  how many requests
#include "ledger/batch.hpp"
#include "tests/support/citus.hpp"
#include "tests/support/ledger_world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

using namespace tests;

namespace {

std::string describe(const Asked& asked) {
    std::string text = to_string(asked.kind) + " " + asked.reference + " account " +
                       std::to_string(asked.account) + " " + asked.amount.text() + " " +
                       asked.unit.value_or("-") + " type " + asked.type.value_or("-") + " hold " +
                       std::to_string(asked.hold) + " original " + asked.original.value_or("-") + " to " +
                       std::to_string(asked.to) + " " + asked.to_type.value_or("-");
    if (asked.volume) text += " volume " + std::to_string(*asked.volume) + " " + asked.counted.value_or("-");
    for (const auto& [account, percent] : asked.shares) {
        text += " " + std::to_string(account) + ":" + std::to_string(percent) + "%";
    }
    return text;
}

/// The first answers, by the oracle's number: replays must repeat them.
class Receipts {
  public:
    /// "" or what is wrong.
    std::string check(World& world, const Asked& asked, const std::string& expected,
                      const ledger::Result<ledger::Receipt>& result) {
        const auto got = outcome(result);
        ++outcomes_[to_string(asked.kind) + (asked.volume ? " of a volume " : " ") + got];
        if (got != expected) return got + " instead of " + expected;
        if (!result) return {};
        const auto number = world.oracle().accepted(asked).value();
        const auto [kept, fresh] = receipts_.try_emplace(number, *result);
        if (fresh && got == "posted" && asked.kind == Kind::hold) world.add_hold(result->hold.value());
        const auto& first = kept->second;
        const bool same = first.request_id == result->request_id && first.journal_no == result->journal_no &&
                          first.hold == result->hold;
        return same ? "" : "another receipt than the first time";
    }

    [[nodiscard]] std::string summary() const {
        std::string text;
        for (const auto& [name, count] : outcomes_) text += name + ": " + std::to_string(count) + "\n";
        return text;
    }

  private:
    std::map<std::size_t, ledger::Receipt> receipts_;
    std::map<std::string, std::size_t> outcomes_;
};

void one_after_the_other(World& world, ledger::Ledger& ledger, std::size_t steps) {
    Receipts receipts;
    for (std::size_t step = 1; step <= steps; ++step) {
        if (world.chance(6)) {
            ASSERT_EQ(world.random_event(), "") << "at step " << step;
        }
        world.oracle().new_transaction();
        const auto asked = world.random_request();
        const auto expected = world.oracle().ask(asked);
        const auto result = world.bench().run(post(ledger, world.request_of(asked)));
        ASSERT_EQ(receipts.check(world, asked, expected, result), "")
            << "step " << step << ": " << describe(asked);
        ASSERT_EQ(world.compare(World::touched(asked)), "") << "step " << step << ": " << describe(asked);
        if (step % 500 == 0) {
            ASSERT_EQ(world.compare_all(), "") << "step " << step;
        }
    }
    EXPECT_EQ(world.compare_all(), "");
    if (std::getenv("LEDGER_SUMMARY")) std::cout << receipts.summary();
}

TEST(LedgerModel, OneRequestAfterTheOther) {
    World world(seed_of_this_run(), 10, true);
    one_after_the_other(world, world.bench().ledger(), steps_of_this_run("LEDGER_STEPS", 5'000));
}

TEST(LedgerModel, OneRequestAfterTheOtherAsOnACluster) {
    World world(seed_of_this_run(), 10, true);
    auto session = world.bench().session();
    declare_for_citus(session);
    const auto ledger = world.bench().another();
    one_after_the_other(world, *ledger, steps_of_this_run("LEDGER_STEPS", 1'500));
}

/// Batches as a lane sends them. On few accounts: duplicates, conflicts, holds and their captures in one
/// batch. On many, or mostly charges: accounts that are only charged in a batch, which is done by sets, among
/// requests that take turns.
class Batches {
  public:
    struct Mix {
        std::size_t accounts;
        bool mostly_charges = false;  ///< and credits, that there is something to charge
    };

    Batches(std::uint64_t seed, const Mix& mix)
        : mix_(mix), world_(seed, mix.accounts), session_(world_.bench().session("ledgerline_service")) {}

    void run(std::size_t size) {
        for (const auto& next : deferred_) add(next);
        deferred_.clear();
        while (asked_.size() < size) {
            auto next = next_request();
            if (next) add(std::move(*next));
        }
        post();
        asked_.clear();
        postings_.clear();
        placed_by_.clear();
    }

    World& world() { return world_; }
    [[nodiscard]] std::string summary() const { return receipts_.summary(); }

  private:
    struct Next {
        Asked asked;
        std::optional<ledger::Posting> posting;  // of a deferred one, as it was
    };

    std::optional<Next> next_request() {
        if (!asked_.empty() && world_.chance(10)) return Next{asked_[world_.below(asked_.size())], {}};
        auto asked = world_.random_request();
        if (asked.kind >= Kind::adjustment) return std::nullopt;  // not post_batch's
        const bool wanted = asked.kind == Kind::charge || asked.kind == Kind::credit ||
                            (asked.kind != Kind::refund && world_.chance(3));  // refunds wait for each other
        if (mix_.mostly_charges && !wanted) return std::nullopt;
        return Next{std::move(asked), {}};
    }

    void add(Next next) {
        auto& asked = next.asked;
        const bool on_hold =
            asked.kind == Kind::extend || asked.kind == Kind::capture || asked.kind == Kind::release;
        std::optional<std::size_t> placed_by;
        if (on_hold && !next.posting && world_.chance(40)) {
            // A hold of this very batch, if there is one.
            for (std::size_t i = 0; i < asked_.size(); ++i) {
                if (asked_[i].kind == Kind::hold && world_.chance(50)) placed_by = i;
            }
        }
        if (placed_by) {
            asked.account = asked_[*placed_by].account;
            asked.reference += "-new";
        }
        auto posting = next.posting ? std::move(*next.posting) : world_.posting_of(asked);
        posting.account = world_.account(asked.account);  // it may have been closed meanwhile
        if (placed_by) {
            posting.hold = postings_[*placed_by].hold;
            posting.digest = ledger::digest_of(posting);
        }
        asked_.push_back(std::move(asked));
        postings_.push_back(std::move(posting));
        placed_by_.push_back(placed_by);
    }

    void post() {
        std::vector<const ledger::Posting*> pointers;
        for (const auto& posting : postings_) pointers.push_back(&posting);
        const auto plan = ledger::plan_batch(pointers);
        const ledger::BatchLimits limits{1'000'000'000'000'000, std::chrono::hours(1)};
        const auto& statement =
            world_.chance(50) ? ledger::post_new_batch_statement : ledger::post_batch_statement;
        const auto rows = session_.exec(statement, ledger::batch_parameters(pointers, plan, limits));
        const auto results = ledger::batch_results(rows, pointers, plan);
        world_.oracle().new_transaction();
        std::vector<std::optional<std::size_t>> hold_of(asked_.size());
        std::set<std::size_t> touched;
        for (std::size_t i = 0; i < plan.entries.size(); ++i) {
            const auto at = plan.entries[i].posting;
            auto& asked = asked_[at];
            touched.insert(asked.account);
            if (const auto place = placed_by_[at]) {
                if (!hold_of[*place]) {
                    hold_of[*place] = world_.oracle().add_unknown_hold(asked.account);
                    world_.add_hold(postings_[*place].hold.value());
                }
                asked.hold = *hold_of[*place];
            }
            const auto expected = world_.oracle().ask(asked, false);
            ASSERT_EQ(receipts_.check(world_, asked, expected, results[i]), "")
                << i << ": " << describe(asked);
            if (asked.kind == Kind::hold && expected == "posted") hold_of[at] = world_.oracle().holds() - 1;
        }
        ASSERT_EQ(world_.compare({touched.begin(), touched.end()}), "");
        for (const auto at : plan.deferred) deferred_.push_back({asked_[at], postings_[at]});
    }

    const Mix mix_;
    World world_;
    base::sql::Session session_;
    Receipts receipts_;
    std::vector<Asked> asked_;
    std::vector<ledger::Posting> postings_;
    std::vector<std::optional<std::size_t>> placed_by_;
    std::vector<Next> deferred_;
};

void post_batches(const Batches::Mix& mix, std::size_t steps, bool on_cluster = false) {
    Batches batches(seed_of_this_run(), mix);
    if (on_cluster) {
        auto session = batches.world().bench().session();
        declare_for_citus(session);
    }
    std::size_t done = 0;
    for (int batch = 1; done < steps; ++batch) {
        if (batches.world().chance(50)) {
            ASSERT_EQ(batches.world().random_event(), "") << "before batch " << batch;
        }
        const auto size = 1 + batches.world().below(60);
        batches.run(size);
        if (testing::Test::HasFatalFailure()) FAIL() << "in batch " << batch;
        done += size;
        if (batch % 100 == 0) {
            ASSERT_EQ(batches.world().compare_all(), "") << "after batch " << batch;
        }
    }
    EXPECT_EQ(batches.world().compare_all(), "");
    if (std::getenv("LEDGER_SUMMARY")) std::cout << batches.summary();
}

TEST(LedgerModel, BatchesOfPostBatch) { post_batches({6}, steps_of_this_run("LEDGER_STEPS", 12'000)); }

TEST(LedgerModel, BatchesOnManyAccounts) { post_batches({80}, steps_of_this_run("LEDGER_STEPS", 12'000)); }

TEST(LedgerModel, BatchesOnACluster) { post_batches({20}, steps_of_this_run("LEDGER_STEPS", 3'000), true); }

TEST(LedgerModel, BatchesMostlyOfCharges) {
    post_batches({.accounts = 25, .mostly_charges = true}, steps_of_this_run("LEDGER_STEPS", 12'000));
}

}  // namespace
