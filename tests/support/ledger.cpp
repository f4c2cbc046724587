// Sets up and takes down the ledger under test.
#include "tests/support/ledger.hpp"

namespace tests {

ledger::Options LedgerBench::default_options() {
    ledger::Options options;
    options.lane.session.application_name = "test";
    options.lane.limits = {.max_amount = 1'000'000'000'000'000, .hold_ttl = std::chrono::hours(1)};
    return options;
}

LedgerBench::LedgerBench(ledger::Options options)
    : admin_(database_.session("postgres")),
      log_(base::LogLevel::error),
      options_(std::move(options)),
      work_(io_.get_executor()),
      thread_([this] { io_.run(); }) {
    admin_.exec("select ledger.create_domain('example.com')");
    admin_.exec("select ledger.define_balance_type('example.com', 'main', 'EUR', 30)");
    admin_.exec("select ledger.define_balance_type('example.com', 'bonus', 'EUR', 10)");
    admin_.exec("select ledger.define_balance_type('example.com', 'data', 'bytes', 20)");
    ledger_ = another();
}

LedgerBench::~LedgerBench() {
    ledger_.reset();
    pools_.clear();
    work_.reset();
    thread_.join();
}

std::unique_ptr<ledger::Ledger> LedgerBench::another(std::string url) {
    auto options = options_;
    options.lane.session.url = url.empty() ? database_.url("ledgerline_service") : std::move(url);
    base::Database::Options pool;
    pool.session = options.lane.session;
    pool.session.statement_timeout = std::chrono::seconds(30);
    pools_.push_back(std::make_unique<base::Database>(pool));
    return std::make_unique<ledger::Ledger>(options, *pools_.back(), log_);
}

ledger::AccountPtr LedgerBench::open_account(bool spending_order) {
    const auto address = "tel:+1555" + std::to_string(1'000'000 + accounts_++);
    const auto rows =
        admin_.exec("select o_shard, o_account from ledger.open_account('example.com', array[$1], $2)",
                    base::sql::params(address, spending_order));
    for (const auto* type : {"main", "bonus", "data"}) {
        admin_.exec("select ledger.open_balance($1, $2, $3)",
                    base::sql::params(rows.integer(0, 0), rows.integer(0, 1), type));
    }
    auto account = run(ledger_->find(address)).value();
    const std::pair<const char*, const char*> funds[]{{"main", "100"}, {"bonus", "10"}, {"data", "1000000"}};
    for (const auto& [type, value] : funds) {
        ledger::Credit credit;
        credit.account = account;
        credit.origin = {"bank", std::string("open-") + type, "opening", ""};
        credit.amount = amount(value);
        credit.balance_type = type;
        run(ledger_->credit(std::move(credit))).value();
    }
    return account;
}

std::string LedgerBench::address_of(const ledger::AccountPtr& account) {
    return value("select address from ledger.address where until is null and account_id = " +
                 std::to_string(account->id));
}

std::string LedgerBench::posted(const ledger::AccountPtr& account, const std::string& type) {
    const auto rows =
        admin_.exec("select posted from finance.balances where account_id = $1 and balance_type = $2",
                    base::sql::params(account->id, type));
    return rows.empty() ? "none" : std::string(rows.text(0, 0));
}

std::string LedgerBench::value(const std::string& query) {
    return std::string(admin_.exec(query).text(0, 0));
}

std::string LedgerBench::fingerprint() {
    return value(
        "select md5(concat("
        "(select string_agg(b::text, '|' order by b.shard, b.account_id, b.balance_no) from ledger.balance "
        "b), "
        "(select string_agg(j::text, '|' order by j.shard, j.journal_no) from ledger.journal j), "
        "(select string_agg(r::text, '|' order by r.shard, r.request_id) from ledger.request r), "
        "(select string_agg(h::text, '|' order by h.shard, h.hold_id) from ledger.hold h), "
        "(select string_agg(l::text, '|' order by l.shard, l.hold_id, l.leg_no) from ledger.hold_leg l), "
        "(select string_agg(g::text, '|' order by g.shard, g.request_id, g.leg_no) from ledger.request_leg "
        "g), "
        "(select string_agg(v::text, '|' order by v.shard, v.request_id) from ledger.request_volume v), "
        "(select string_agg(u::text, '|' order by u::text) from ledger.reversal u), "
        "(select string_agg(k::text, '|' order by k::text) from ledger.limit_use k), "
        "(select string_agg(o::text, '|' order by o::text) from ledger.voucher o), "
        "(select string_agg(a::text, '|' order by a.shard, a.account_id) from ledger.account a), "
        "(select string_agg(c::text, '|' order by c.shard, c.contra, c.application_id, c.unit) from "
        "ledger.contra c), "
        "(select string_agg(s::text, '|' order by s.shard) from ledger.shard s)))");
}

}  // namespace tests
