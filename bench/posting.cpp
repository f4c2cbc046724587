// Loads accounts and posts to them.
#include "bench/posting.hpp"

#include "base/ids.hpp"
#include "base/sql.hpp"
#include "ledger/shards.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

base::sql::SessionOptions session_options(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline bench";
    return options;
}

/// One thread's share of the work.
class Worker {
  public:
    Worker(const PostingLoad& load, std::vector<ledger::AccountPtr> accounts, std::uint32_t seed)
        : load_(load), accounts_(std::move(accounts)), random_(seed), session_(session_options(load.url)) {}

    std::int64_t run(Clock::time_point until) {
        std::int64_t posted = 0;
        while (Clock::now() < until) posted += post_batch();
        return posted;
    }

  private:
    std::int64_t post_batch() {
        std::vector<ledger::Posting> postings(load_.batch);
        std::vector<const ledger::Posting*> pointers;
        std::uniform_int_distribution<std::size_t> pick(0, accounts_.size() - 1);
        for (auto& posting : postings) {
            posting.operation = ledger::Operation::charge;
            posting.account = accounts_[pick(random_)];
            posting.application = 1;
            posting.reference = run_ + std::to_string(++count_);
            posting.amount = {base::Decimal::of_minor(150, 2), "EUR"};
            posting.contra = "revenue";
            posting.description = "song";
            posting.digest = ledger::digest_of(posting);
            pointers.push_back(&posting);
        }
        const auto plan = ledger::plan_batch(pointers);
        const ledger::BatchLimits limits{1'000'000'000'000'000, std::chrono::hours(1)};
        const auto rows =
            session_.exec(ledger::post_new_batch_statement, ledger::batch_parameters(pointers, plan, limits));
        for (const auto& result : ledger::batch_results(rows, pointers, plan)) {
            if (!result) throw std::runtime_error("refused: " + std::string(to_string(result.error())));
        }
        return static_cast<std::int64_t>(plan.entries.size());
    }

    const PostingLoad& load_;
    std::vector<ledger::AccountPtr> accounts_;
    std::mt19937 random_;
    /// A new identifier for each posting would cost a system call.
    const std::string run_ = base::random_hex_id();
    std::int64_t count_ = 0;
    base::sql::Session session_;
};

}  // namespace

void load_accounts(const std::string& superuser_url, std::int64_t count) {
    base::sql::Session session(session_options(superuser_url));
    const auto n = std::to_string(count);
    session.exec("select ledger.create_domain('example.com')");
    session.exec("select ledger.define_balance_type('example.com', 'main', 'EUR', 1)");
    session.exec("select ledger.application_id('bench')");
    session.exec(
        "insert into ledger.account (shard, account_id, domain, address, opened_at, balances) "
        "select s.shard, i, 'example.com', 'tel:+1555' || lpad(i::text, 7, '0'), now(), 1 from "
        "generate_series(1, " +
        n +
        ") i "
        "join ledger.shard s on s.slot = ledger.slot_of(i, (select count(*) from ledger.shard))");
    session.exec(
        "insert into ledger.address (address, account_id, shard, since) select address, account_id, shard, "
        "opened_at "
        "from ledger.account");
    session.exec(
        "insert into ledger.balance (shard, account_id, balance_no, balance_type, unit, exponent, posted, "
        "priority, created_at, account_epoch, takes_unnamed) "
        "select shard, account_id, 1, 'main', 'EUR', 2, 1000000000, 1, now(), epoch, true from "
        "ledger.account");
    session.exec("insert into ledger.contra select min(shard), 'opening', 1, 'EUR', -1000000000::numeric * " +
                 n + " from ledger.shard");
    session.exec("select setval('ledger.account_id', " + n + ")");
    session.exec("vacuum analyze");
}

std::vector<ledger::AccountPtr> read_accounts(const std::string& url) {
    base::sql::Session session(session_options(url));
    const auto rows = session.exec("select account_id, shard from ledger.account order by account_id");
    std::vector<ledger::AccountPtr> accounts;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        ledger::Account account;
        account.id = rows.integer(row, 0);
        account.shard = static_cast<std::int16_t>(rows.integer(row, 1));
        account.epoch = 1;
        accounts.push_back(std::make_shared<const ledger::Account>(account));
    }
    return accounts;
}

std::int64_t journal_rows(const std::string& url) {
    base::sql::Session session(session_options(url));
    return session.exec("select sum(next_journal_no - 1)::bigint from ledger.shard").integer(0, 0);
}

PostingRun run_postings(const PostingLoad& load, const std::vector<ledger::AccountPtr>& accounts) {
    constexpr std::int64_t slots = 16;
    const std::size_t sessions = load.hot ? 1 : load.sessions;
    std::vector<std::vector<ledger::AccountPtr>> shares(sessions);
    if (load.hot) {
        shares[0].push_back(accounts.front());
    } else {
        for (const auto& account : accounts) {
            // By slot, as the ledger deals accounts to lanes.
            const auto slot = static_cast<std::size_t>(ledger::slot_of(account->id, slots));
            shares[slot % sessions].push_back(account);
        }
    }
    std::vector<std::unique_ptr<Worker>> workers;
    std::random_device seed;
    for (auto& share : shares) workers.push_back(std::make_unique<Worker>(load, std::move(share), seed()));

    std::atomic<std::int64_t> posted = 0;
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto start = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (auto& worker : workers) {
            threads.emplace_back([&] {
                try {
                    posted += worker->run(start + load.duration);
                } catch (...) {
                    const std::lock_guard lock(failure_mutex);
                    failure = std::current_exception();
                }
            });
        }
    }
    if (failure) std::rethrow_exception(failure);
    const std::chrono::duration<double> took = Clock::now() - start;
    return {posted, static_cast<double>(posted) / took.count()};
}

}  // namespace bench
