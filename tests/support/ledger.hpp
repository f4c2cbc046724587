// A ledger on a database of its own, with accounts on demand and a thread for its coroutines.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "tests/support/postgres.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tests {

/// "1.50" without a unit; the text must be a decimal number.
inline ledger::Amount amount(std::string_view text) { return {base::Decimal::parse(text).value(), {}}; }
inline ledger::Amount euro(std::string_view text) { return {base::Decimal::parse(text).value(), "EUR"}; }

/// The domain example.com with balance types main, bonus (EUR) and data (bytes), as in the demo.
class LedgerBench {
  public:
    explicit LedgerBench(ledger::Options options = default_options());
    ~LedgerBench();
    LedgerBench(const LedgerBench&) = delete;
    LedgerBench& operator=(const LedgerBench&) = delete;

    static ledger::Options default_options();

    ledger::Ledger& ledger() { return *ledger_; }
    /// One more ledger on the same database, as another node would be; `url` where it reaches the database by
    /// another way (a proxy), not by its socket.
    std::unique_ptr<ledger::Ledger> another(std::string url = {});

    /// An account with main 100.00 EUR (default), bonus 10.00 EUR and data 1,000,000 bytes.
    ledger::AccountPtr open_account(bool spending_order = false);
    std::string address_of(const ledger::AccountPtr& account);
    std::string posted(const ledger::AccountPtr& account, const std::string& type);

    base::sql::Session session(const std::string& role = "postgres") { return database_.session(role); }
    [[nodiscard]] std::string url(const std::string& role = "ledgerline_service") const {
        return database_.url(role);
    }
    void exec(const std::string& statement) { admin_.exec(statement); }
    std::string value(const std::string& query);
    /// Everything that money rules speak of, as one text: equal before and after means nothing was changed.
    std::string fingerprint();

    template <class T>
    T run(boost::asio::awaitable<T> work) {
        return boost::asio::co_spawn(io_, std::move(work), boost::asio::use_future).get();
    }

    /// All at once, in this order.
    template <class T>
    std::vector<T> run_all(std::vector<boost::asio::awaitable<T>> work) {
        std::vector<std::future<T>> futures;
        futures.reserve(work.size());
        for (auto& item : work) {
            futures.push_back(boost::asio::co_spawn(io_, std::move(item), boost::asio::use_future));
        }
        std::vector<T> results;
        results.reserve(futures.size());
        for (auto& future : futures) results.push_back(future.get());
        return results;
    }

  private:
    TestDatabase database_;
    base::sql::Session admin_;
    base::Logger log_;
    ledger::Options options_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
    std::vector<std::unique_ptr<base::Database>> pools_;
    std::unique_ptr<ledger::Ledger> ledger_;
    int accounts_ = 0;
};

}  // namespace tests
