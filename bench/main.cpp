// Measures the posting function beside its peers, alternating in one run, on one PostgreSQL.
#include "app/embedded_postgres.hpp"
#include "base/log.hpp"
#include "base/migrate.hpp"
#include "bench/figures.hpp"
#include "bench/posting.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;

namespace {

struct Options {
    int repeats = 3;
    int seconds = 3;
    std::int64_t accounts = 100'000;
    int tpcb_scale = 50;
    std::string json;
};

constexpr auto pgbench = "/usr/lib/postgresql/15/bin/pgbench";

/// What a command prints; throws when it fails.
std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    if (!pipe) throw std::runtime_error("can't run " + command);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
        text.append(buffer.data(), count);
    return text;
}

/// Transactions per second of pgbench's own TPC-B-like script, 16 clients, prepared.
double tpcb(const std::string& url, int seconds) {
    const auto text = output_of(std::string(pgbench) + " -n -M prepared -c 16 -j 1 -T " +
                                std::to_string(seconds) + " '" + url + "' 2>&1");
    const auto at = text.find("tps = ");
    if (at == std::string::npos) throw std::runtime_error("pgbench failed: " + text);
    return std::stod(text.substr(at + 6));
}

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

void run(const Options& options) {
    const TemporaryFolder folder;
    const base::Logger log(base::LogLevel::warning, base::LogFormat::text);
    app::EmbeddedPostgres::Options settings;
    settings.shared_buffers = "2GB";
    settings.max_wal_size = "16GB";
    app::EmbeddedPostgres postgres(app::DataDir(folder.path), settings, log);
    postgres.start();
    const auto superuser = postgres.url("postgres");
    {
        base::sql::SessionOptions session_options;
        session_options.url = superuser;
        base::sql::Session session(session_options);
        check_durability(session);
        base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}}, log);
        session.exec("create database tpcb");
    }
    std::cerr << "loading " << options.accounts << " accounts, and pgbench at scale " << options.tpcb_scale
              << " …\n";
    bench::load_accounts(superuser, options.accounts);
    output_of(std::string(pgbench) + " -i -q -s " + std::to_string(options.tpcb_scale) + " '" +
              postgres.url("postgres", "tpcb") + "' 2>&1");
    const auto accounts = bench::read_accounts(postgres.url("ledgerline_service"));

    bench::PostingLoad load;
    load.url = postgres.url("ledgerline_service");
    load.duration = std::chrono::seconds(options.seconds);
    auto single = load;
    single.sessions = 16;
    single.batch = 1;
    auto hot = load;
    hot.hot = true;

    bench::Figures figures;
    const auto measure = [&](const std::string& name, const bench::PostingLoad& workload) {
        const auto before = bench::journal_rows(load.url);
        const auto result = bench::run_postings(workload, accounts);
        if (bench::journal_rows(load.url) - before != result.posted) {
            throw std::runtime_error("void: the journal has another number of rows than were posted");
        }
        figures.add(name, result.per_second);
    };
    for (int repeat = 1; repeat <= options.repeats; ++repeat) {
        std::cerr << "repeat " << repeat << " of " << options.repeats << " …\n";
        figures.add("tpcb", tpcb(postgres.url("postgres", "tpcb"), options.seconds));
        measure("post_batch", load);
        measure("post_single", single);
        measure("post_batch_hot", hot);
    }
    const std::vector<bench::Figures::NamedRatio> ratios{{"batch_vs_tpcb", "post_batch", "tpcb"},
                                                         {"batch_vs_single", "post_batch", "post_single"},
                                                         {"hot_vs_uniform", "post_batch_hot", "post_batch"}};
    std::cout << figures.table(ratios);
    if (!options.json.empty()) std::ofstream(options.json) << figures.json(ratios) << '\n';
    postgres.stop();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Measures ledgerline's posting function beside its peers, in one run on one PostgreSQL");
    app.add_option("--repeats", options.repeats, "how often each workload is run")->capture_default_str();
    app.add_option("--seconds", options.seconds, "how long each run takes")->capture_default_str();
    app.add_option("--accounts", options.accounts, "how many accounts there are")->capture_default_str();
    app.add_option("--tpcb-scale", options.tpcb_scale, "pgbench's scale factor")->capture_default_str();
    app.add_option("--json", options.json, "file for the figures as JSON");
    CLI11_PARSE(app, argc, argv);
    try {
        run(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench: " << error.what() << '\n';
        return 1;
    }
}
