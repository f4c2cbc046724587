// Many at once from two ledgers on one database; afterwards the committed order is replayed through the
// oracle. What was refused has no place in that order, but must have one where the oracle refuses it alike.
//
//   LEDGER_SEED=N, LEDGER_STEPS=N   as for the model test; the interleaving is the machine's
//   LEDGER_SUMMARY=1                prints how often each operation had each outcome
#include "tests/support/citus.hpp"
#include "tests/support/ledger_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

using namespace tests;

namespace {

struct Answered {
    Asked asked;
    std::string outcome;
    ledger::Receipt receipt;
};

/// (operation, account or nobody, reference, the shard where nobody's reversal lies): one application asks.
using Key = std::tuple<std::string, std::int64_t, std::string, std::int64_t>;

bool accepted(const Answered& answer) { return answer.outcome == "posted" || answer.outcome == "replayed"; }

class Concurrent {
  public:
    /// `on_cluster`: the second one posts as on a cluster, shard by shard.
    Concurrent(std::uint64_t seed, std::size_t accounts, bool on_cluster = false)
        : world_(seed, accounts, true) {
        if (on_cluster) {
            auto session = world_.bench().session();
            declare_for_citus(session);
        }
        second_ = world_.bench().another();
    }

    /// A round: random requests, every fifth one twice, some with a reversal or two of the very request, half
    /// of them through the other ledger, all at once.
    void round(std::size_t size) {
        std::vector<Answered> asked;
        Work work;
        while (asked.size() < size) {
            const auto next = world_.random_request();
            ask(next, asked, work);
            if (!world_.chance(15)) continue;
            ask(world_.reversal_of(next), asked, work);
            if (world_.chance(30)) ask(world_.reversal_of(next), asked, work);
        }
        auto results = world_.bench().run_all(std::move(work));
        for (std::size_t i = 0; i < results.size(); ++i) {
            asked[i].outcome = outcome(results[i]);
            if (results[i]) asked[i].receipt = *results[i];
            ++outcomes_[to_string(asked[i].asked.kind) + ' ' + asked[i].outcome];
            answers_.push_back(std::move(asked[i]));
        }
        // Before the next round, which uses the holds that were placed.
        replay();
    }

    /// Takes what was committed since, in its order, through the oracle.
    void replay() {
        std::map<Key, std::vector<const Answered*>> by_key;
        for (const auto& answer : answers_) {
            if (accepted(answer))
                by_key[key_of(answer.asked)].push_back(&answer);
            else
                refused_.push_back(&answer);
        }
        trial_.reset();
        std::erase_if(refused_, [&](const auto* answer) { return is_what_the_oracle_says(*answer); });
        auto session = world_.bench().session();
        const auto rows = session.exec(
            "select operation, account_id, reference, request_id, journal_no, hold_id, recorded_at, "
            "shard from ledger.request r"
            " join ledger.application p using (application_id)"
            // A split stands under account 0; what refunds find beside its accounts is a part of it.
            " where p.name = 'shop' and (operation <> 'split' or account_id = 0) order by recorded_at, "
            "shard, request_id offset $1",
            base::sql::params(static_cast<std::int64_t>(replayed_)));
        std::string last;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            if (rows.text(row, 6) != last) world_.oracle().new_transaction();
            last = rows.text(row, 6);
            const Key key{
                std::string(rows.text(row, 0)), rows.integer(row, 1), std::string(rows.text(row, 2)),
                rows.text(row, 0) == "reversal" && rows.integer(row, 1) == 0 ? rows.integer(row, 7) : 0};
            const auto found = by_key.find(key);
            ASSERT_NE(found, by_key.end()) << "a request that nobody was told of: " << std::get<2>(key);
            check(*found->second.front(), found->second, rows, row);
            by_key.erase(found);
        }
        replayed_ += rows.size();
        for (const auto& [key, told] : by_key) {
            for (const auto* answer : told)
                EXPECT_EQ(answer->outcome, "replayed") << "told, but not in the tables";
        }
        for (const auto* answer : refused_) {
            ADD_FAILURE() << "no place in the order where the oracle says so: " << describe(*answer);
        }
        refused_.clear();
        answers_.clear();
    }

    World& world() { return world_; }
    [[nodiscard]] std::size_t posted() const { return replayed_; }
    [[nodiscard]] std::size_t answered(const std::string& how) const {
        const auto found = outcomes_.find(how);
        return found == outcomes_.end() ? 0 : found->second;
    }
    [[nodiscard]] std::string summary() const {
        std::string text;
        for (const auto& [name, count] : outcomes_) text += name + ": " + std::to_string(count) + "\n";
        return text;
    }

  private:
    using Work = std::vector<boost::asio::awaitable<ledger::Result<ledger::Receipt>>>;

    void ask(const Asked& next, std::vector<Answered>& asked, Work& work) {
        const int copies = world_.chance(20) ? 2 : 1;
        for (int copy = 0; copy < copies; ++copy) {
            auto& through = world_.chance(50) ? world_.bench().ledger() : *second_;
            work.push_back(post(through, world_.request_of(next)));
            asked.push_back({next, {}, {}});
        }
    }

    static std::string describe(const Answered& answer) {
        return to_string(answer.asked.kind) + ' ' + answer.asked.reference + ": " + answer.outcome;
    }

    Key key_of(const Asked& asked) const {
        const bool nobodys = asked.kind == Kind::split || asked.keeper;
        return {to_string(asked.kind), nobodys ? 0 : world_.account(asked.account)->id, asked.reference,
                asked.keeper.value_or(0)};
    }

    /// Asked now, of a copy: what the oracle accepts changes it.
    bool is_what_the_oracle_says(const Answered& refused) {
        if (!trial_) trial_ = world_.oracle();
        const auto says = trial_->ask(refused.asked);
        if (says == "posted") trial_.reset();
        return says == refused.outcome;
    }

    /// Of what is on the same accounts: to the others nothing has changed.
    void look_for_refusals_after(const Asked& posted) {
        trial_.reset();
        const auto changed = World::touched(posted);
        std::erase_if(refused_, [&](const auto* answer) {
            const auto touches = World::touched(answer->asked);
            const bool concerned = std::ranges::find_first_of(touches, changed) != touches.end();
            return concerned && is_what_the_oracle_says(*answer);
        });
    }

    void check(const Answered& answer, const std::vector<const Answered*>& told, const base::sql::Rows& rows,
               std::size_t row) {
        // Copies may differ from the first one: a conflict was refused and is not among them.
        const auto first = std::ranges::find(told, "posted", [](const auto* a) { return a->outcome; });
        ASSERT_NE(first, told.end()) << "posted, and everybody was told of a replay: "
                                     << answer.asked.reference;
        EXPECT_EQ(std::ranges::count(told, "posted", [](const auto* a) { return a->outcome; }), 1);
        for (const auto* other : told) {
            EXPECT_EQ(other->receipt.request_id, rows.integer(row, 3)) << other->asked.reference;
            EXPECT_EQ(other->receipt.journal_no, rows.optional_integer(row, 4)) << other->asked.reference;
        }
        const auto expected = world_.oracle().ask((*first)->asked);
        EXPECT_EQ(expected, "posted") << to_string(answer.asked.kind) << ' ' << answer.asked.reference;
        if (answer.asked.kind == Kind::hold && expected == "posted")
            world_.add_hold((*first)->receipt.hold.value());
        look_for_refusals_after((*first)->asked);
    }

    World world_;
    std::unique_ptr<ledger::Ledger> second_;
    std::vector<Answered> answers_;
    std::vector<const Answered*> refused_;  // of the answers, those whose place was not found yet
    std::optional<Oracle> trial_;           // a copy of the oracle as it is, where one was needed
    std::map<std::string, std::size_t> outcomes_;
    std::size_t replayed_ = 0;
};

void replay_what_was_committed(Concurrent& concurrent, std::size_t steps) {
    std::size_t asked = 0;
    while (asked < steps) {
        const auto size = 1 + concurrent.world().below(400);
        concurrent.round(size);
        if (testing::Test::HasFailure()) FAIL() << "after " << asked << " requests";
        asked += size;
        ASSERT_EQ(concurrent.world().random_event(), "");
    }
    EXPECT_EQ(concurrent.world().compare_all(), "");
    EXPECT_GT(concurrent.posted(), steps / 10);
    // Those that came in time, too late, and before what they undo.
    EXPECT_GT(concurrent.answered("reversal posted"), steps / 100);
    EXPECT_GT(concurrent.answered("reversal beyond_charge"), steps / 400);
    EXPECT_GT(concurrent.answered("reversal unknown_charge"), steps / 400);
    if (std::getenv("LEDGER_SUMMARY")) std::cout << concurrent.summary();
}

TEST(LedgerConcurrency, TheCommittedOrderIsTheOraclesOrder) {
    Concurrent concurrent(seed_of_this_run(), 8);
    replay_what_was_committed(concurrent, steps_of_this_run("LEDGER_STEPS", 8'000));
}

TEST(LedgerConcurrency, TheCommittedOrderIsTheOraclesOrderOnACluster) {
    Concurrent concurrent(seed_of_this_run(), 40, true);
    replay_what_was_committed(concurrent, steps_of_this_run("LEDGER_STEPS", 3'000));
}

}  // namespace
