// Loads a database of each size, posts to it in turns with one of the first size, and forgets it.
#include "bench/growth.hpp"

#include "app/operator/progress.hpp"
#include "base/migrate.hpp"
#include "bench/load.hpp"
#include "bench/posting.hpp"
#include "bench/server_under_test.hpp"
#include "bench/traffic.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <optional>
#include <ranges>
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

/// Reads into memory: tables themselves, and the indexes of tables.
constexpr auto prewarm = R"(
select pg_prewarm(c.oid, $1)
  from pg_class c
  left join pg_index i on i.indexrelid = c.oid
 where c.oid = any ($2::regclass[]) or i.indrelid = any ($3::regclass[]))";

/// Memory as a ledger in service has it: what each posting looks into in PostgreSQL's own, as far as that
/// goes; the directories, which a server reads ahead, in the system's.
void warm_memory(base::sql::Session& session) {
    session.exec("create extension pg_prewarm");
    session.exec(prewarm, base::sql::params("buffer", "{ledger.balance}",
                                            "{ledger.balance,ledger.request,ledger.journal}"));
    session.exec(prewarm, base::sql::params("read", "{ledger.account,ledger.address}",
                                            "{ledger.account,ledger.address}"));
}

/// A loaded database of one size, and how fast it is. Dropped in the end.
class Ledger {
  public:
    Ledger(const app::EmbeddedPostgres& postgres, std::int64_t accounts, std::string database,
           const Growth& growth, const base::Logger& log)
        : postgres_(postgres),
          database_(std::move(database)),
          growth_(growth),
          point_{accounts, accounts * growth.rows} {
        superuser(postgres_.url("postgres")).exec("create database " + database_);
        auto session = superuser(url());
        base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}}, log);
        fill(session);
        session.exec("checkpoint");
        warm_memory(session);
        known_ = read_accounts(service_url());
    }
    ~Ledger() {
        server_.reset();
        try {
            superuser(postgres_.url("postgres")).exec("drop database " + database_ + " with (force)");
        } catch (const base::sql::Error& error) {
            std::cerr << "bench: " << error.what() << '\n';
        }
    }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    [[nodiscard]] GrowthPoint point() const { return point_; }

    /// Posts until few pages are left whose first change since the checkpoint writes all of them to the log:
    /// as often as the fifth part of the accounts, which is three times for each page of an index.
    void touch_pages() {
        PostingLoad workload;
        workload.url = service_url();
        workload.duration = std::chrono::seconds(growth_.seconds);
        for (auto left = point_.accounts / 5; left > 0;) left -= run_postings(workload, known_).posted;
    }

    /// Postings a second by the posting function alone.
    double post() {
        PostingLoad workload;
        workload.url = service_url();
        workload.duration = std::chrono::seconds(growth_.seconds);
        const auto before = journal_rows(workload.url);
        const auto run = run_postings(workload, known_);
        if (journal_rows(workload.url) - before != run.posted) {
            throw std::runtime_error("void: the journal has another number of rows than were posted");
        }
        return told("post_batch", run.per_second);
    }

    /// From now on charges are taken. Sealing and freezing have nothing to catch up with.
    void serve() {
        known_.clear();
        known_.shrink_to_fit();
        settle(url());
        authorization_ = create_bench_user(service_url());
        // Half of the cache is read ahead: all of them.
        const auto cache = std::to_string(std::max<std::int64_t>(2 * point_.accounts, 1'000'000));
        server_.emplace(
            growth_.folder / database_, url(),
            std::vector<std::pair<std::string, std::string>>{{"LEDGERLINE_LEDGER_ADDRESS_CACHE", cache}});
    }

    /// Charges a second, SOAP in, SOAP out. A void run is repeated: it may be all that is wrong after an
    /// hour's loading.
    double charge() {
        Traffic traffic;
        traffic.accounts = point_.accounts;
        traffic.duration = std::chrono::seconds(growth_.seconds);
        traffic.authorization = authorization_;
        for (int left = 3;; --left) {
            try {
                const auto before = journal_rows(service_url());
                const auto run = run_traffic(*server_, traffic);
                if (journal_rows(service_url()) - before != run.answered)
                    throw std::runtime_error("void: the journal has another number of rows than answers");
                return told("charges", run.per_second);
            } catch (const std::runtime_error& error) {
                if (left == 0) throw;
                std::cerr << "bench: " << error.what() << '\n';
            }
        }
    }

  private:
    [[nodiscard]] std::string url() const { return postgres_.url("postgres", database_); }
    [[nodiscard]] std::string service_url() const { return postgres_.url("ledgerline_service", database_); }

    void fill(base::sql::Session& session) {
        Load wanted;
        wanted.accounts = point_.accounts;
        wanted.rows = growth_.rows;
        app::Progress progress;
        const auto start = std::chrono::steady_clock::now();
        load(url(), wanted,
             [&](std::int64_t loaded) { progress.show(loaded, point_.accounts, "accounts loaded"); });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        point_.loaded_per_second =
            told("rows loaded", static_cast<double>(point_.journal_rows) / took.count());
        point_.table_bytes_per_row = bytes_per_row(session, "pg_table_size", point_.journal_rows);
        point_.index_bytes_per_row = bytes_per_row(session, "pg_indexes_size", point_.journal_rows);
    }

    double told(const char* what, double per_second) const {
        std::cerr << point_.accounts << " balances: " << static_cast<std::int64_t>(per_second) << ' ' << what
                  << " a second\n";
        return per_second;
    }

    const app::EmbeddedPostgres& postgres_;
    const std::string database_;
    const Growth& growth_;
    GrowthPoint point_;
    std::vector<ledger::AccountPtr> known_;
    std::string authorization_;
    std::optional<ServerUnderTest> server_;
};

/// Medians of the rates of `ledger`, and of what part they are of those of `first`, which takes turns with it
/// unless it is the same. The first run of each is not counted: it plans its statements.
std::pair<double, double> in_turns(Ledger& ledger, Ledger& first, double (Ledger::*rate)(), int repeats) {
    std::vector<double> rates;
    std::vector<double> parts;
    for (int repeat = 0; repeat <= repeats; ++repeat) {
        const auto base = (first.*rate)();
        const auto own = &ledger == &first ? base : (ledger.*rate)();
        if (repeat == 0) continue;
        rates.push_back(own);
        parts.push_back(own / base);
    }
    return {median(std::move(rates)), median(std::move(parts))};
}

GrowthPoint measure(Ledger& ledger, Ledger& first, int repeats) {
    auto point = ledger.point();
    ledger.touch_pages();
    std::tie(point.posted_per_second, point.posted_vs_first) =
        in_turns(ledger, first, &Ledger::post, repeats);
    first.serve();
    if (&ledger != &first) ledger.serve();
    std::tie(point.charged_per_second, point.charged_vs_first) =
        in_turns(ledger, first, &Ledger::charge, repeats);
    return point;
}

}  // namespace

std::vector<GrowthPoint> measure_growth(const app::EmbeddedPostgres& postgres, const Growth& growth,
                                        const base::Logger& log) {
    std::vector<GrowthPoint> points;
    const auto first_size = growth.accounts.front();
    // The largest first: if there is too little disk for it, that shows at once.
    for (const auto accounts : growth.accounts | std::views::reverse) {
        std::optional<Ledger> ledger;
        if (accounts != first_size) ledger.emplace(postgres, accounts, "growth", growth, log);
        Ledger first(postgres, first_size, "growth_first", growth, log);
        points.push_back(measure(ledger ? *ledger : first, first, growth.repeats));
    }
    std::ranges::reverse(points);
    return points;
}

std::string growth_table(const std::vector<GrowthPoint>& points) {
    std::ostringstream table;
    table << "  balances   journal rows   loaded rows/s   post_batch/s   of first   charges/s   of first   "
             "table B/row   index B/row\n"
          << std::fixed;
    for (const auto& point : points) {
        table << std::setprecision(0) << std::setw(10) << point.accounts << std::setw(15)
              << point.journal_rows << std::setw(16) << point.loaded_per_second << std::setw(15)
              << point.posted_per_second << std::setprecision(2) << std::setw(11) << point.posted_vs_first
              << std::setprecision(0) << std::setw(12) << point.charged_per_second << std::setprecision(2)
              << std::setw(11) << point.charged_vs_first << std::setprecision(0) << std::setw(14)
              << point.table_bytes_per_row << std::setw(14) << point.index_bytes_per_row << '\n';
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
                        {"posted_vs_first", point.posted_vs_first},
                        {"charged_per_second", point.charged_per_second},
                        {"charged_vs_first", point.charged_vs_first},
                        {"table_bytes_per_row", point.table_bytes_per_row},
                        {"index_bytes_per_row", point.index_bytes_per_row}});
    }
    return boost::json::serialize(boost::json::object{{"growth", std::move(list)}});
}

}  // namespace bench
