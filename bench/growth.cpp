// Loads a database of each size, posts to it, and forgets it.
#include "bench/growth.hpp"

#include "app/operator/progress.hpp"
#include "base/migrate.hpp"
#include "bench/end_to_end.hpp"
#include "bench/load.hpp"
#include "bench/posting.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iomanip>
#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace bench {
namespace {

base::sql::Session superuser(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline bench";
    return base::sql::Session(options);
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Bytes on disk for each journal row, of what `size` measures.
double bytes_per_row(base::sql::Session& session, const std::string& size, std::int64_t rows) {
    const auto bytes =
        session.exec("select " + size + "('ledger.journal') + " + size + "('ledger.request')").integer(0, 0);
    return static_cast<double>(bytes) / static_cast<double>(rows);
}

/// Of a server on that database.
double charges_per_second(const std::string& superuser_url, const std::string& service_url,
                          std::int64_t accounts, const Growth& growth) {
    const auto authorization = create_bench_user(service_url);
    const ServerUnderTest server(growth.folder / "server", superuser_url, {});
    WrkLoad workload;
    workload.accounts = accounts;
    workload.duration = std::chrono::seconds(growth.seconds);
    std::ignore = run_wrk(server, workload, authorization);  // addresses get known
    std::vector<double> rates;
    for (int repeat = 0; repeat < growth.repeats; ++repeat)
        rates.push_back(run_wrk(server, workload, authorization).per_second);
    return median(std::move(rates));
}

GrowthPoint measure(const app::EmbeddedPostgres& postgres, std::int64_t accounts, const Growth& growth,
                    const base::Logger& log) {
    const std::string database = "growth";
    superuser(postgres.url("postgres")).exec("create database " + database);
    GrowthPoint point{accounts, accounts * growth.rows};
    {
        auto session = superuser(postgres.url("postgres", database));
        base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}}, log);
        Load wanted;
        wanted.accounts = accounts;
        wanted.rows = growth.rows;
        app::Progress progress;
        const auto start = std::chrono::steady_clock::now();
        load(postgres.url("postgres", database), wanted,
             [&](std::int64_t loaded) { progress.show(loaded, accounts, "accounts loaded"); });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        point.loaded_per_second = static_cast<double>(accounts * growth.rows) / took.count();
        point.table_bytes_per_row = bytes_per_row(session, "pg_table_size", point.journal_rows);
        point.index_bytes_per_row = bytes_per_row(session, "pg_indexes_size", point.journal_rows);
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
    point.posted_per_second = median(std::move(rates));
    point.charged_per_second =
        charges_per_second(postgres.url("postgres", database), workload.url, accounts, growth);
    superuser(postgres.url("postgres")).exec("drop database " + database + " with (force)");
    return point;
}

}  // namespace

std::vector<GrowthPoint> measure_growth(const app::EmbeddedPostgres& postgres, const Growth& growth,
                                        const base::Logger& log) {
    std::vector<GrowthPoint> points;
    for (const auto accounts : growth.accounts) points.push_back(measure(postgres, accounts, growth, log));
    return points;
}

std::string growth_table(const std::vector<GrowthPoint>& points) {
    std::ostringstream table;
    table << "  balances   journal rows   loaded rows/s   post_batch/s   charges/s   table B/row   index "
             "B/row\n"
          << std::fixed << std::setprecision(0);
    for (const auto& point : points) {
        table << std::setw(10) << point.accounts << std::setw(15) << point.journal_rows << std::setw(16)
              << point.loaded_per_second << std::setw(15) << point.posted_per_second << std::setw(12)
              << point.charged_per_second << std::setw(14) << point.table_bytes_per_row << std::setw(14)
              << point.index_bytes_per_row << '\n';
    }
    return table.str();
}

std::string growth_json(const std::vector<GrowthPoint>& points) {
    boost::json::array list;
    for (const auto& point : points) {
        list.push_back({{"accounts", point.accounts},
                        {"journal_rows", point.journal_rows},
                        {"loaded_per_second", point.loaded_per_second},
                        {"posted_per_second", point.posted_per_second},
                        {"charged_per_second", point.charged_per_second},
                        {"table_bytes_per_row", point.table_bytes_per_row},
                        {"index_bytes_per_row", point.index_bytes_per_row}});
    }
    return boost::json::serialize(boost::json::object{{"growth", std::move(list)}});
}

}  // namespace bench
