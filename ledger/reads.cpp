// What the ledger tells of one account, read beside the lanes.
#include "ledger/ledger.hpp"

#include "base/ids.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

// Dates outside of these years are as good as their ends, and PostgreSQL could not read all of them.
constexpr TimePoint earliest = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
constexpr TimePoint latest = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);

TimePoint time_of(std::int64_t microseconds) { return TimePoint(std::chrono::microseconds(microseconds)); }

std::optional<TimePoint> time_of(std::optional<std::int64_t> microseconds) {
    return microseconds ? std::optional(time_of(*microseconds)) : std::nullopt;
}

std::optional<std::int64_t> bounded(const std::optional<TimePoint>& time) {
    if (!time) return std::nullopt;
    return std::clamp(*time, earliest, latest).time_since_epoch().count();
}

Balance balance_of(const base::sql::Rows& rows, std::size_t row) {
    Balance balance;
    balance.type = rows.text(row, 0);
    balance.unit = rows.text(row, 1);
    balance.decimals = static_cast<int>(rows.integer(row, 2));
    const auto amount = [&](std::size_t column) {
        return base::Decimal::of_minor(rows.integer(row, column), balance.decimals);
    };
    balance.posted = amount(3);
    balance.held = amount(4);
    balance.unreserved =
        base::Decimal::of_minor(rows.integer(row, 3) - rows.integer(row, 4), balance.decimals);
    balance.credit_limit = amount(5);
    balance.available = amount(6);
    balance.is_default = rows.boolean(row, 7);
    balance.priority = static_cast<std::int32_t>(rows.integer(row, 8));
    balance.expires_at = time_of(rows.optional_integer(row, 9));
    return balance;
}

HistoryEntry entry_of(const base::sql::Rows& rows, std::size_t row) {
    HistoryEntry entry;
    entry.balance_type = rows.text(row, 0);
    entry.decimals = static_cast<int>(rows.integer(row, 1));
    entry.unit = rows.text(row, 2);
    entry.recorded_at = time_of(rows.integer(row, 3));
    entry.effective_at = time_of(rows.optional_integer(row, 4));
    entry.kind = rows.text(row, 5);
    entry.amount = base::Decimal::of_minor(rows.integer(row, 6), entry.decimals);
    entry.balance_after = base::Decimal::of_minor(rows.integer(row, 7), entry.decimals);
    entry.application = rows.text(row, 8);
    entry.reference = rows.text(row, 9);
    entry.code = rows.optional_text(row, 10).value_or("");
    entry.description = rows.optional_text(row, 11).value_or("");
    entry.journal_no = rows.integer(row, 12);
    return entry;
}

}  // namespace

asio::awaitable<Result<Amount>> Ledger::held_amount(HoldId id) {
    const auto key = base::sql::params(std::int64_t{id.shard}, base::hex(id.id));
    const auto rows = co_await read(
        "select h.amount, u.exponent, h.unit from ledger.hold h join ledger.unit u on u.unit = h.unit"
        " where h.shard = $1 and h.hold_id = $2",
        key);
    if (!rows) co_return rows.error();
    if (rows->empty()) co_return Refusal::unknown_hold;
    Amount amount;
    amount.value = base::Decimal::of_minor(rows->integer(0, 0), static_cast<int>(rows->integer(0, 1)));
    amount.unit = rows->text(0, 2);
    co_return amount;
}

asio::awaitable<Located> Ledger::locate_to_post(std::string text, MayKnow may_know) {
    auto located = co_await locate(text);
    if (located.account || located.account.error() != Refusal::unknown_account) co_return located;
    auto closed = co_await locate_closed(std::move(text));
    if (closed.account && !may_know(**closed.account, closed.address)) co_return located;
    co_return closed;
}

asio::awaitable<Located> Ledger::locate_closed(std::string text) {
    auto readings = readings_of(text, options_.numbers);
    Located located{readings.front(), Refusal::unknown_account};
    for (auto& reading : readings) {
        if (!base::is_storable_text(reading, options_.text_bytes_max)) continue;
        const auto key = base::sql::params(reading);
        const auto rows = co_await read(
            "select a.account_id, a.shard, a.domain"
            "  from (select x.account_id, x.shard, x.until from ledger.address x"
            "         where x.address = $1 order by x.since desc limit 1) d"
            "  join ledger.account a on a.shard = d.shard and a.account_id = d.account_id"
            " where d.until is not null and a.state = 'closed'",
            key);
        if (rows && rows->empty()) continue;
        located.address = std::move(reading);
        if (rows) {
            Account account;
            account.id = rows->integer(0, 0);
            account.shard = static_cast<std::int16_t>(rows->integer(0, 1));
            account.domain = rows->text(0, 2);
            located.account = std::make_shared<const Account>(std::move(account));
        } else {
            located.account = rows.error();
        }
        break;
    }
    co_return located;
}

asio::awaitable<Result<std::vector<Balance>>> Ledger::balances(AccountPtr account) {
    const auto key = base::sql::params(std::int64_t{account->shard}, account->id, account->epoch);
    auto rows = co_await read(
        "select balance_type, unit, exponent, posted, held, credit_limit, available, is_default, priority,"
        "       (extract(epoch from expires_at) * 1000000)::bigint"
        "  from ledger.balances_of($1, $2, $3)",
        key);
    if (!rows) co_return rows.error();
    if (rows->empty()) co_return Refusal::stale_address;
    std::vector<Balance> balances;
    if (rows->is_null(0, 0)) co_return balances;
    balances.reserve(rows->size());
    for (std::size_t row = 0; row < rows->size(); ++row) balances.push_back(balance_of(*rows, row));
    co_return balances;
}

asio::awaitable<Result<std::vector<HistoryEntry>>> Ledger::history(HistoryQuery query) {
    if (query.balance_type && query.balance_type->empty()) query.balance_type.reset();
    if (query.balance_type && !base::is_storable_text(*query.balance_type, options_.text_bytes_max))
        co_return Refusal::unknown_balance;
    const auto entries_max =
        std::min(query.max_entries.value_or(options_.history_entries_max), options_.history_entries_max);
    const auto& account = *query.account;
    const auto parameters =
        base::sql::params(std::int64_t{account.shard}, account.id, account.epoch, query.balance_type,
                          bounded(query.from), static_cast<std::int64_t>(entries_max));
    auto rows = co_await read(
        "select balance_type, exponent, unit, (extract(epoch from recorded_at) * 1000000)::bigint,"
        "       (extract(epoch from effective_at) * 1000000)::bigint, kind, amount, balance_after,"
        "       application, reference, code, description, journal_no"
        "  from ledger.history_of($1, $2, $3, $4, timestamptz 'epoch' + $5 * interval '1 microsecond', $6)",
        parameters);
    if (!rows) co_return rows.error();
    if (rows->empty()) co_return Refusal::stale_address;
    if (rows->is_null(0, 0) && query.balance_type) co_return Refusal::unknown_balance;
    std::vector<HistoryEntry> entries;
    for (std::size_t row = 0; row < rows->size() && !rows->is_null(row, 12); ++row) {
        entries.push_back(entry_of(*rows, row));
    }
    co_return entries;
}

asio::awaitable<Result<std::vector<KnownRequest>>> Ledger::requests(AccountPtr account,
                                                                    std::string application,
                                                                    std::string reference) {
    std::vector<KnownRequest> requests;
    if (!base::is_storable_text(reference, options_.reference_bytes_max)) co_return requests;
    const auto key = base::sql::params(std::int64_t{account->shard}, account->id, application, reference);
    auto rows = co_await read(
        "select operation, amount, refunded, unit, exponent,"
        "       (extract(epoch from recorded_at) * 1000000)::bigint"
        "  from ledger.requests_of($1, $2, $3, $4)",
        key);
    if (!rows) co_return rows.error();
    for (std::size_t row = 0; row < rows->size(); ++row) {
        KnownRequest request;
        request.operation = rows->text(row, 0);
        request.decimals = static_cast<int>(rows->integer(row, 4));
        request.amount = base::Decimal::of_minor(rows->integer(row, 1), request.decimals);
        request.refunded = base::Decimal::of_minor(rows->integer(row, 2), request.decimals);
        request.unit = rows->text(row, 3);
        request.recorded_at = time_of(rows->integer(row, 5));
        requests.push_back(std::move(request));
    }
    co_return requests;
}

asio::awaitable<Result<base::sql::Rows>> Ledger::read(std::string statement, base::sql::Params parameters) {
    auto work = [statement, parameters](base::sql::Session& session) {
        return session.exec(statement, parameters);
    };
    Refusal refusal = Refusal::internal;
    try {
        co_return co_await database_.run(std::move(work));
    } catch (const base::DatabaseBusy&) {
        refusal = Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("an account can't be read", {{"error", error.what()}});
        refusal = Refusal::unavailable;
    }
    co_return refusal;
}

}  // namespace ledger
