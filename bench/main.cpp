// Measures charging and the posting function beside their peers, alternating in one run, on one PostgreSQL.
#include "app/embedded_postgres.hpp"
#include "base/log.hpp"
#include "base/migrate.hpp"
#include "bench/figures.hpp"
#include "bench/growth.hpp"
#include "bench/idle.hpp"
#include "bench/peers.hpp"
#include "bench/plot.hpp"
#include "bench/posting.hpp"
#include "bench/recognition.hpp"
#include "bench/server_under_test.hpp"
#include "bench/timings.hpp"
#include "bench/traffic.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Options {
    int repeats = 3;
    int seconds = 3;
    std::int64_t accounts = 100'000;
    int tpcb_scale = 50;
    int warm_up = 3;
    std::string only;
    std::string growth;
    int soak_minutes = 0;
    std::string json;
    std::string svg;
};

void check_durability(base::sql::Session& session) {
    for (const auto* setting : {"fsync", "synchronous_commit", "full_page_writes"}) {
        if (session.exec("select current_setting($1)", base::sql::params(setting)).text(0, 0) != "on") {
            throw std::runtime_error(std::string(setting) + " is off: the figures would mean nothing");
        }
    }
}

struct TemporaryFolder {
    fs::path path;
    TemporaryFolder() {
        std::string pattern = (fs::temp_directory_path() / "ledgerline-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::runtime_error("can't make a folder like " + pattern);
        path = pattern;
        ::chmod(path.c_str(), 0755);  // the user postgres must get in
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

/// A cluster with accounts, peers beside them, and one server for each way of posting.
class Bench {
  public:
    explicit Bench(const Options& options)
        : options_(options), log_(base::LogLevel::warning, base::LogFormat::text), postgres_(start()) {
        const auto superuser = postgres_->url("postgres");
        {
            base::sql::SessionOptions session_options;
            session_options.url = superuser;
            base::sql::Session session(session_options);
            check_durability(session);
            base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}}, log_);
        }
        std::cerr << "loading " << options_.accounts << " accounts, and the peers …\n";
        bench::load_accounts(superuser, options_.accounts);
        peers_.emplace(folder_.path, postgres_->url("postgres", "%"), options_.tpcb_scale, options_.accounts);
        authorization_ = bench::create_bench_user(service());
        accounts_ = bench::read_accounts(service());
    }

    void run() {
        for (int repeat = 1; repeat <= options_.repeats; ++repeat) {
            std::cerr << "repeat " << repeat << " of " << options_.repeats << " …\n";
            figures_.add("tpcb", peers_->tpcb(options_.seconds));
            figures_.add("pgledger", peers_->double_entry(options_.seconds));
            if (options_.only != "charging") run_posting();
            if (options_.only != "posting") run_charging();
        }
        if (options_.only.empty()) run_parts();
        if (options_.only != "posting") hold_idle_connections();
        if (options_.soak_minutes > 0) soak();
        const auto ratios = named_ratios();
        std::cout << figures_.table(ratios) << notes_;
        if (!options_.json.empty()) std::ofstream(options_.json) << figures_.json(ratios) << '\n';
    }

  private:
    std::unique_ptr<app::EmbeddedPostgres> start() {
        app::EmbeddedPostgres::Options settings;
        settings.shared_buffers = "2GB";
        settings.max_wal_size = "16GB";
        settings.min_wal_size = settings.max_wal_size;
        auto postgres = std::make_unique<app::EmbeddedPostgres>(app::DataDir(folder_.path), settings, log_);
        postgres->start();
        return postgres;
    }

    [[nodiscard]] std::string service() const { return postgres_->url("ledgerline_service"); }

    /// The posting function alone.
    void run_posting() {
        bench::PostingLoad load;
        load.url = service();
        load.duration = std::chrono::seconds(options_.seconds);
        auto single = load;
        single.sessions = 16;
        single.batch = 1;
        auto hot = load;
        hot.hot = true;
        const auto measure = [&](const std::string& name, const bench::PostingLoad& workload) {
            const auto before = bench::journal_rows(load.url);
            const auto result = bench::run_postings(workload, accounts_);
            if (bench::journal_rows(load.url) - before != result.posted) {
                throw std::runtime_error("void: the journal has another number of rows than were posted");
            }
            figures_.add(name, result.per_second);
        };
        measure("post_batch", load);
        measure("post_single", single);
        measure("post_batch_hot", hot);
        figures_.add("recognise_remembered",
                     bench::recognitions_per_second(load.url, std::chrono::seconds(1)));
    }

    /// SOAP in, durable posting, SOAP out.
    void run_charging() {
        if (!batching_) start_servers();
        charge("charge", *batching_, bench::Mix::uniform, 512);
        charge("charge_single", *single_, bench::Mix::uniform, 64);
        charge("charge_few", *batching_, bench::Mix::uniform, 16);
        charge("charge_zipf", *batching_, bench::Mix::zipf, 512);
        charge("charge_hot", *batching_, bench::Mix::hot, 512);
        charge("reserve_and_capture", *batching_, bench::Mix::pairs, 512);
        run_open_loop();
    }

    /// The parts of a charge, each by itself.
    void run_parts() {
        for (const auto& [part, microseconds] : bench::part_microseconds(service(), accounts_))
            figures_.note("parts_us", part, microseconds);
    }

    void hold_idle_connections() {
        const auto idle = bench::hold_idle_connections(*batching_, idle_connections);
        figures_.note("idle_connections", "held", static_cast<double>(idle.held));
        figures_.note("idle_connections", "server_kib_each", idle.server_bytes_each / 1024);
        figures_.note("idle_connections", "server_mib_in_all",
                      static_cast<double>(batching_->memory_now()) / (1 << 20));
    }

    /// Charges for so long that vacuum, checkpoints and the growth of indexes take their part: the last slice
    /// ought to be as fast as the first one.
    void soak() {
        if (!batching_) start_servers();
        constexpr std::chrono::seconds slice(30);
        const auto load = traffic(bench::Mix::uniform, slice);
        std::vector<double> rates;
        const auto slices = std::chrono::minutes(options_.soak_minutes) / slice;
        for (std::int64_t i = 0; i < slices; ++i) {
            rates.push_back(counted(*batching_, load).per_second);
            figures_.note("soak", "per_second", rates.back());
            std::cerr << "soak: " << static_cast<std::int64_t>(rates.back()) << "/s\n";
        }
        figures_.note("soak", "last_vs_first", rates.back() / rates.front());
        figures_.note("soak", "server_mib_peak", static_cast<double>(batching_->memory_peak()) / (1 << 20));
    }

    static constexpr std::int64_t idle_connections = 10'000;

    void start_servers() {
        batching_.emplace(
            folder_.path / "batching", postgres_->url("postgres"),
            Settings{{"LEDGERLINE_HTTP_CONNECTIONS_LIMIT", std::to_string(idle_connections + 1000)}});
        single_.emplace(folder_.path / "single", postgres_->url("postgres"),
                        Settings{{"LEDGERLINE_LEDGER_BATCH_MAX", "1"}, {"LEDGERLINE_LEDGER_LANES", "16"}});
        for (auto* server : {&*batching_, &*single_}) warm_up(*server);
    }

    [[nodiscard]] bench::Traffic traffic(bench::Mix mix, std::chrono::seconds duration) const {
        bench::Traffic traffic;
        traffic.mix = mix;
        traffic.duration = duration;
        traffic.accounts = options_.accounts;
        traffic.authorization = authorization_;
        return traffic;
    }

    /// Caches of addresses and credentials, sessions and the operating system's buffers get warm.
    void warm_up(const bench::ServerUnderTest& server) {
        auto each = traffic(bench::Mix::each, std::chrono::minutes(10));
        each.requests = options_.accounts;
        std::ignore = bench::run_traffic(server, each);
        charge_for(server, std::chrono::seconds(options_.warm_up));
    }

    void charge_for(const bench::ServerUnderTest& server, std::chrono::seconds duration) const {
        std::ignore = bench::run_traffic(server, traffic(bench::Mix::uniform, duration));
    }

    /// Void unless the journal has as many new rows as there were answers.
    [[nodiscard]] bench::TrafficRun counted(const bench::ServerUnderTest& server,
                                            const bench::Traffic& load) const {
        const auto before = bench::journal_rows(service());
        auto result = bench::run_traffic(server, load);
        const auto rows = bench::journal_rows(service()) - before;
        // Of a pair one request makes a row; some reservations are left without their capture.
        const bool pairs = load.mix == bench::Mix::pairs;
        const auto wanted = pairs ? result.answered / 2 : result.answered;
        if (rows > wanted || rows < wanted - (pairs ? load.connections : 0)) {
            throw std::runtime_error("void: " + std::to_string(result.answered) + " answers and " +
                                     std::to_string(rows) + " journal rows");
        }
        return result;
    }

    void charge(const std::string& name, const bench::ServerUnderTest& server, bench::Mix mix,
                int connections) {
        auto load = traffic(mix, std::chrono::seconds(options_.seconds));
        load.connections = connections;
        const bool pairs = mix == bench::Mix::pairs;
        const auto result = counted(server, load);
        figures_.add(name, pairs ? result.per_second / 2 : result.per_second);
        std::ostringstream note;
        note << std::fixed << std::setprecision(1) << name << ": processor time per request: generator "
             << result.generator_us << " µs, server " << result.server_us << " µs; server's peak memory "
             << static_cast<double>(server.memory_peak()) / (1 << 20) << " MiB\n";
        notes_ += note.str();
        figures_.note("generator_us", name, result.generator_us);
        figures_.note("server_us", name, result.server_us);
    }

    /// Gives the log's files of the past to the future, as in a server that has been up for a while. In a new
    /// cluster each file of 16 MB is first written full of zeros, and postings wait for that.
    void age_log() {
        base::sql::SessionOptions options;
        options.url = postgres_->url("postgres");
        base::sql::Session(options).exec("checkpoint");
        // Pages are written to the log whole after a checkpoint, once.
        charge_for(*batching_, std::chrono::seconds(options_.warm_up));
    }

    /// At half of what was reached.
    void run_open_loop() {
        age_log();
        auto load = traffic(bench::Mix::uniform, std::chrono::seconds(options_.seconds));
        load.connections = 256;
        load.per_second = figures_.rate("charge").median / 2;
        const auto run = counted(*batching_, load);
        figures_.note("generator_us", "open_loop", run.generator_us);
        figures_.note("server_us", "open_loop", run.server_us);
        note_latencies("latency_ms_at_half", "charges", *load.per_second, run.latencies_ms);
        // The same of the peer tells what the machine's share is.
        const auto half = figures_.rate("tpcb").median / 2;
        note_latencies("tpcb_latency_ms_at_half", "tpcb's transactions", half,
                       peers_->tpcb_latencies_ms(half, options_.seconds));
    }

    void note_latencies(const std::string& section, const std::string& what, double per_second,
                        const std::vector<double>& latencies) {
        std::ostringstream note;
        note << std::fixed << std::setprecision(1) << "latency in ms of " << latencies.size() << ' ' << what
             << " at " << per_second << "/s, from the time that each was due: ";
        for (const double part : {0.5, 0.9, 0.99, 0.999}) {
            std::ostringstream name;
            name << 'p' << 100 * part;
            const auto ms = bench::percentile(latencies, part);
            note << name.str() << ' ' << ms << ", ";
            figures_.note(section, name.str(), ms);
        }
        note << "max " << latencies.back() << '\n';
        notes_ += note.str();
    }

    [[nodiscard]] std::vector<bench::Figures::NamedRatio> named_ratios() const {
        std::vector<bench::Figures::NamedRatio> ratios;
        if (options_.only != "posting") {
            ratios.insert(ratios.end(), {{"charge_vs_tpcb", "charge", "tpcb"},
                                         {"charge_vs_single", "charge", "charge_single"},
                                         {"charge_vs_pgledger", "charge", "pgledger"},
                                         {"hot_vs_uniform", "charge_hot", "charge"},
                                         {"zipf_vs_uniform", "charge_zipf", "charge"}});
        }
        if (options_.only != "charging") {
            ratios.insert(ratios.end(), {{"batch_vs_tpcb", "post_batch", "tpcb"},
                                         {"batch_vs_single", "post_batch", "post_single"},
                                         {"batch_vs_pgledger", "post_batch", "pgledger"},
                                         {"batch_hot_vs_uniform", "post_batch_hot", "post_batch"}});
        }
        return ratios;
    }

    using Settings = std::vector<std::pair<std::string, std::string>>;

    const Options& options_;
    const TemporaryFolder folder_;
    const base::Logger log_;
    std::unique_ptr<app::EmbeddedPostgres> postgres_;
    std::optional<bench::Peers> peers_;
    std::string authorization_;
    std::vector<ledger::AccountPtr> accounts_;
    std::optional<bench::ServerUnderTest> batching_;
    std::optional<bench::ServerUnderTest> single_;
    bench::Figures figures_;
    std::string notes_;
};

/// What holds the balances and the two large indexes of ten million accounts (13 GB) on a machine with 24 GB,
/// and leaves the system the rest. All sizes of a run get the same.
std::string most_of_memory() {
    const auto bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE);
    return std::to_string(bytes / 10 * 6 >> 20) + "MB";
}

/// A cluster of its own, a database for each size.
void run_growth(const Options& options) {
    const TemporaryFolder folder;
    const base::Logger log(base::LogLevel::warning, base::LogFormat::text);
    app::EmbeddedPostgres::Options settings;
    settings.shared_buffers = "2GB";
    settings.max_wal_size = "16GB";
    if (options.growth == "full") {
        settings.shared_buffers = most_of_memory();
        settings.max_wal_size = "12GB";
    }
    app::EmbeddedPostgres postgres(app::DataDir(folder.path), settings, log);
    postgres.start();
    bench::Growth growth;
    growth.accounts = {1'000, 10'000};
    if (options.growth != "small") growth.accounts = {1'000, 100'000, 1'000'000};
    if (options.growth == "full") growth.accounts.push_back(10'000'000);
    growth.seconds = options.seconds;
    growth.repeats = options.repeats;
    growth.folder = folder.path;
    const auto points = bench::measure_growth(postgres, growth, log);
    std::cout << bench::growth_table(points);
    if (!options.json.empty()) std::ofstream(options.json) << bench::growth_json(points) << '\n';
    if (!options.svg.empty()) std::ofstream(options.svg) << bench::growth_plot(points);
    postgres.stop();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Measures ledgerline's charging path beside its peers, in one run on one PostgreSQL");
    app.add_option("--repeats", options.repeats, "how often each workload is run")->capture_default_str();
    app.add_option("--seconds", options.seconds, "how long each run takes")->capture_default_str();
    app.add_option("--accounts", options.accounts, "how many accounts there are")->capture_default_str();
    app.add_option("--tpcb-scale", options.tpcb_scale, "pgbench's scale factor")->capture_default_str();
    app.add_option("--warm-up", options.warm_up, "seconds of charges before the first run")
        ->capture_default_str();
    app.add_option("--only", options.only, "`posting` function or `charging` over SOAP, without the other")
        ->check(CLI::IsMember({"posting", "charging"}));
    app.add_option("--growth", options.growth,
                   "instead: charges and post_batch on ledgers with 10 journal rows for each account: "
                   "`small`, 1 and 10 thousand accounts; `usual`, 1 and 100 thousand and 1 million; "
                   "`full`, 10 million too (60 GB of disk)")
        ->check(CLI::IsMember({"small", "usual", "full"}));
    app.add_option("--soak", options.soak_minutes,
                   "minutes of charges at the end, in slices of half a minute")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--json", options.json, "file for the figures as JSON");
    app.add_option("--svg", options.svg, "file for the plot of --growth");
    CLI11_PARSE(app, argc, argv);
    try {
        if (options.growth.empty())
            Bench(options).run();
        else
            run_growth(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench: " << error.what() << '\n';
        return 1;
    }
}
