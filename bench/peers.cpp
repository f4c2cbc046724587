// Runs pgbench on the peers.
#include "bench/peers.hpp"

#include "base/sql.hpp"
#include "bench/command.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <tuple>

namespace bench {
namespace {

constexpr auto program = "/usr/lib/postgresql/15/bin/pgbench";

constexpr auto double_entry_schema = R"(
create table account (
    account_id bigint primary key,
    balance    numeric not null default 0,
    version    bigint not null default 0
);
create table transfer (
    transfer_id bigint generated always as identity primary key,
    from_id     bigint not null references account,
    to_id       bigint not null references account,
    amount      numeric not null check (amount > 0),
    created_at  timestamptz not null default now()
);
create index on transfer (from_id);
create index on transfer (to_id);
create table entry (
    entry_id    bigint generated always as identity primary key,
    account_id  bigint not null references account,
    transfer_id bigint not null references transfer,
    amount      numeric not null,
    balance     numeric not null,
    version     bigint not null,
    created_at  timestamptz not null default now()
);
create index on entry (account_id);
create index on entry (transfer_id);
create function move(p_from bigint, p_to bigint, p_amount numeric) returns bigint language plpgsql as $$
declare
    v_transfer bigint; v_balance numeric; v_version bigint;
begin
    perform from account where account_id in (p_from, p_to) order by account_id for update;
    insert into transfer (from_id, to_id, amount)
    values (p_from, p_to, p_amount) returning transfer_id into v_transfer;
    update account set balance = balance - p_amount, version = version + 1 where account_id = p_from
    returning balance, version into v_balance, v_version;
    insert into entry (account_id, transfer_id, amount, balance, version)
    values (p_from, v_transfer, -p_amount, v_balance, v_version);
    update account set balance = balance + p_amount, version = version + 1 where account_id = p_to
    returning balance, version into v_balance, v_version;
    insert into entry (account_id, transfer_id, amount, balance, version)
    values (p_to, v_transfer, p_amount, v_balance, v_version);
    return v_transfer;
end $$;
)";

base::sql::Session session_on(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline bench";
    return base::sql::Session(options);
}

}  // namespace

Peers::Peers(const std::filesystem::path& folder, std::string url_of_database, int tpcb_scale,
             std::int64_t accounts)
    : folder_(folder), url_(std::move(url_of_database)), script_(folder / "double_entry.sql") {
    {
        auto session = session_on(url("postgres"));
        session.exec("create database tpcb");
        session.exec("create database double_entry");
    }
    std::ignore = output_of(std::string(program) + " -i -q -s " + std::to_string(tpcb_scale) + " '" +
                            url("tpcb") + "' 2>&1");
    auto session = session_on(url("double_entry"));
    session.exec(double_entry_schema);
    session.exec("insert into account (account_id, balance) select i, 1000000 from generate_series(1, " +
                 std::to_string(accounts) + ") i");
    // Where tables were empty when they were analysed, foreign keys are looked up by reading all of them.
    session.exec("select count(move(i, 1 + i % $1, 1.50)) from generate_series(1, least($1, 10000)) i",
                 base::sql::params(accounts));
    session.exec("vacuum analyze");
    const auto last = std::to_string(accounts);
    std::ofstream(script_) << "\\set a random(1, " << last << ")\n"
                           << "\\set b 1 + (:a + random(1, " << last << " - 1) - 1) % " << last << "\n"
                           << "select move(:a, :b, 1.50);\n";
}

double Peers::tpcb(int seconds) const { return pgbench("tpcb", "", seconds); }

std::vector<double> Peers::tpcb_latencies_ms(double per_second, int seconds) const {
    const auto logs = folder_ / "tpcb_latencies";
    std::filesystem::create_directory(logs);
    std::ignore = pgbench(
        "tpcb",
        "-R " + std::to_string(per_second) + " -l --log-prefix='" + (logs / "transactions").string() + "' ",
        seconds);
    std::vector<double> latencies;
    for (const auto& log : std::filesystem::directory_iterator(logs)) {
        std::ifstream file(log.path());
        for (std::string line; std::getline(file, line);) {
            std::istringstream fields(line);
            std::int64_t client = 0;
            std::int64_t transaction = 0;
            double microseconds = 0;
            if (fields >> client >> transaction >> microseconds) latencies.push_back(microseconds / 1000);
        }
    }
    std::filesystem::remove_all(logs);
    if (latencies.empty()) throw std::runtime_error("pgbench wrote no log of its transactions");
    std::ranges::sort(latencies);
    return latencies;
}

double Peers::double_entry(int seconds) const {
    return pgbench("double_entry", "-f '" + script_.string() + "' ", seconds);
}

std::string Peers::url(const std::string& database) const {
    auto result = url_;
    return result.replace(result.find('%'), 1, database);
}

double Peers::pgbench(const std::string& database, const std::string& arguments, int seconds) const {
    const auto text = output_of(std::string(program) + " -n -M prepared -c 16 -j 1 -T " +
                                std::to_string(seconds) + " " + arguments + "'" + url(database) + "' 2>&1");
    const auto at = text.find("tps = ");
    if (at == std::string::npos) throw std::runtime_error("pgbench failed: " + text);
    return std::stod(text.substr(at + 6));
}

}  // namespace bench
