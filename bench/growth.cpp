// Loads a database of each size, posts to it, and forgets it.
#include "bench/growth.hpp"

#include "app/operator/progress.hpp"
#include "base/migrate.hpp"
#include "bench/load.hpp"
#include "bench/posting.hpp"

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

base::sql::Session superuser(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline bench";
    return base::sql::Session(options);
}

struct Point {
    double loaded_per_second = 0;
    double posted_per_second = 0;
};

Point measure(const app::EmbeddedPostgres& postgres, std::int64_t accounts, const Growth& growth,
              const base::Logger& log) {
    const std::string database = "growth";
    superuser(postgres.url("postgres")).exec("create database " + database);
    Point point;
    {
        auto session = superuser(postgres.url("postgres", database));
        base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}}, log);
        Load wanted;
        wanted.accounts = accounts;
        wanted.rows = growth.rows;
        app::Progress progress;
        const auto start = std::chrono::steady_clock::now();
        load(session, wanted,
             [&](std::int64_t loaded) { progress.show(loaded, accounts, "accounts loaded"); });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        point.loaded_per_second = static_cast<double>(accounts * growth.rows) / took.count();
        session.exec("checkpoint");
    }
    PostingLoad workload;
    workload.url = postgres.url("ledgerline_service", database);
    workload.duration = std::chrono::seconds(growth.seconds);
    const auto known = read_accounts(workload.url);
    std::vector<double> rates;
    for (int repeat = 0; repeat < growth.repeats; ++repeat) {
        const auto before = journal_rows(workload.url);
        const auto run = run_postings(workload, known);
        if (journal_rows(workload.url) - before != run.posted) {
            throw std::runtime_error("void: the journal has another number of rows than were posted");
        }
        rates.push_back(run.per_second);
    }
    std::ranges::sort(rates);
    point.posted_per_second = rates[rates.size() / 2];
    superuser(postgres.url("postgres")).exec("drop database " + database + " with (force)");
    return point;
}

}  // namespace

std::string measure_growth(const app::EmbeddedPostgres& postgres, const Growth& growth,
                           const base::Logger& log) {
    std::ostringstream table;
    table << "  balances   journal rows   loaded rows/s   post_batch/s   of the smallest\n" << std::fixed;
    double first = 0;
    for (const auto accounts : growth.accounts) {
        const auto point = measure(postgres, accounts, growth, log);
        if (first == 0) first = point.posted_per_second;
        table << std::setprecision(0) << std::setw(10) << accounts << std::setw(15) << accounts * growth.rows
              << std::setw(16) << point.loaded_per_second << std::setw(15) << point.posted_per_second
              << std::setprecision(2) << std::setw(18) << point.posted_per_second / first << '\n';
    }
    return table.str();
}

}  // namespace bench
