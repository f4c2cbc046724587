// Records as JSON, and the coroutine that writes what waits.
#include "telephony/calls/records.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

namespace calls {
namespace {

constexpr std::chrono::seconds retry_pause{1};

/// Of one statement, which has only so long: after an hour without a database there are many.
constexpr std::size_t records_at_once = 1'000;

/// A number that is not negative, with leading zeros: people read the parties' times as they stand here.
std::string padded(std::int64_t number, std::size_t digits) {
    auto text = std::to_string(number);
    if (text.size() < digits) text.insert(0, digits - text.size(), '0');
    return text;
}

/// Builds `{"name":value,…}`; null values are left out.
class Json {
  public:
    Json& text(std::string_view name, std::string_view value) { return raw(name, base::json_quoted(value)); }
    Json& time(std::string_view name, const std::optional<Moment>& moment) {
        if (!moment) return *this;
        // Microseconds since the epoch as PostgreSQL reads them: with their unit and zone.
        const auto since = moment->wall.time_since_epoch();
        const auto day = std::chrono::floor<std::chrono::days>(moment->wall);
        const std::chrono::year_month_day date(day);
        const auto rest =
            std::chrono::duration_cast<std::chrono::microseconds>(since - day.time_since_epoch());
        const auto seconds = rest.count() / 1'000'000;
        return text(name, padded(static_cast<int>(date.year()), 4) + '-' +
                              padded(static_cast<unsigned>(date.month()), 2) + '-' +
                              padded(static_cast<unsigned>(date.day()), 2) + ' ' + padded(seconds / 3600, 2) +
                              ':' + padded(seconds / 60 % 60, 2) + ':' + padded(seconds % 60, 2) + '.' +
                              padded(rest.count() % 1'000'000, 6) + "+00");
    }
    Json& raw(std::string_view name, std::string_view value) {
        text_ += text_.empty() ? "{" : ",";
        text_ += base::json_quoted(name) + ':';
        text_ += value;
        return *this;
    }
    [[nodiscard]] std::string object() const { return text_ + '}'; }

  private:
    std::string text_;
};

std::string_view name_of(Phase phase) {
    if (phase == Phase::initial) return "initial";
    return phase == Phase::connected ? "connected" : "terminated";
}

std::string parties_json(const CallStatus& status) {
    std::string list = "[";
    for (const auto& party : status.parties) {
        Json json;
        json.text("address", party.address).text("state", name_of(party.phase));
        json.time("started_at", party.started).time("ended_at", party.ended);
        if (party.cause) json.text("cause", to_string(*party.cause));
        list += (list.size() > 1 ? "," : "") + json.object();
    }
    return list + ']';
}

/// Of the parties that are there.
std::string dialogs_json(const CallStatus& status) {
    std::string list = "[";
    for (const auto& party : status.parties) {
        for (const auto& dialog : party.dialogs)
            list += (list.size() > 1 ? "," : "") + base::json_quoted(dialog);
    }
    return list + ']';
}

}  // namespace

std::string record_json(const RecordFacts& facts, const CallStatus& status) {
    Json json;
    json.text("call_id", facts.id).text("owner", facts.owner);
    json.text("calling", status.parties.at(0).address);
    if (facts.inbound)
        json.text("direction", "inbound").text("called", facts.called);
    else if (status.parties.size() > 1)
        json.text("called", status.parties[1].address);
    json.raw("parties", parties_json(status)).text("state", name_of(status.phase));
    json.time("created_at", status.created).time("started_at", status.started).time("ended_at", status.ended);
    if (status.ended) json.raw("seconds", std::to_string(seconds_between(status.started, status.ended)));
    if (status.cause) json.text("cause", to_string(*status.cause));
    if (!facts.hold.empty()) json.text("hold", facts.hold);
    if (!facts.amount.empty()) json.raw("amount", facts.amount);
    if (!facts.unit.empty()) json.text("unit", facts.unit);
    if (!facts.reference.empty()) {
        json.text("reference", facts.reference).text("description", facts.description);
        json.text("code", facts.code);
    }
    json.raw("dialogs", dialogs_json(status));
    return json.object();
}

std::optional<RecordedCall> recorded_call(base::sql::Session& session, const std::string& id,
                                          std::chrono::milliseconds linger) {
    const auto rows = session.exec(
        "select owner, created_at, started_at, ended_at, cause, address, party_started_at, party_ended_at,"
        " party_cause from ledger.recorded_call($1, $2 * interval '1 millisecond')",
        base::sql::params(id, std::int64_t{linger.count()}));
    if (rows.empty()) return std::nullopt;
    const auto moment = [&rows](std::size_t row, std::size_t column) -> std::optional<Moment> {
        const auto microseconds = rows.optional_integer(row, column);
        if (!microseconds) return std::nullopt;
        Moment at;
        at.wall += std::chrono::microseconds(*microseconds);
        at.steady = std::chrono::floor<std::chrono::milliseconds>(at.wall.time_since_epoch());
        return at;
    };
    RecordedCall recorded;
    recorded.owner = rows.text(0, 0);
    auto& status = recorded.status;
    status.phase = Phase::terminated;
    status.created = moment(0, 1).value_or(Moment{});
    status.started = moment(0, 2);
    status.ended = moment(0, 3);
    status.cause = cause_named(rows.text(0, 4));
    for (std::size_t row = 0; row < rows.size(); ++row) {
        auto& party = status.parties.emplace_back();
        party.address = rows.text(row, 5);
        party.phase = Phase::terminated;
        party.started = moment(row, 6);
        party.ended = moment(row, 7);
        party.cause = cause_named(rows.text(row, 8));
        // A record does not say whose end it was, but there is one that ended so.
        if (!status.culprit && party.cause == status.cause) status.culprit = row;
    }
    return recorded;
}

RecordWriter::RecordWriter(Recorder recorder, base::Database& database, boost::asio::any_io_executor executor,
                           base::Logger log, std::size_t waiting_max)
    : recorder_(std::move(recorder)),
      database_(database),
      executor_(std::move(executor)),
      log_(std::move(log)),
      waiting_max_(waiting_max) {}

void RecordWriter::put(const RecordFacts& facts, const CallStatus& status, std::function<void()> safe) {
    waiting_.records.insert_or_assign(facts.id, record_json(facts, status));
    if (safe) waiting_.safe.push_back(std::move(safe));
    start_writing();
}

void RecordWriter::settled(const std::string& id) {
    waiting_.settled.push_back(id);
    start_writing();
}

void RecordWriter::start_writing() {
    if (std::exchange(writing_, true)) return;
    boost::asio::co_spawn(executor_, write(), boost::asio::detached);
}

base::sql::Params RecordWriter::parameters(const Batch& batch) const {
    std::string list;
    for (const auto& [id, record] : batch.records) list += (list.empty() ? "[" : ",") + record;
    base::sql::ArrayText settled;
    for (const auto& id : batch.settled) settled.add(id);
    return base::sql::params(list.empty() ? "[]" : list + ']', settled, recorder_.node,
                             recorder_.incarnation);
}

/// What came meanwhile is newer, and stays.
void RecordWriter::put_back(Batch batch) {
    waiting_.records.merge(batch.records);
    waiting_.settled.insert(waiting_.settled.end(), batch.settled.begin(), batch.settled.end());
    waiting_.safe.insert(waiting_.safe.end(), batch.safe.begin(), batch.safe.end());
}

/// One that throws keeps nobody else's waiting.
void RecordWriter::call_safe(const Batch& batch) const {
    for (const auto& safe : batch.safe) {
        try {
            safe();
        } catch (const std::exception& failure) {
            log_.error("what waited for a call record failed", {{"error", failure.what()}});
        }
    }
}

boost::asio::awaitable<void> RecordWriter::write() {
    boost::asio::steady_timer pause(executor_);
    while (!waiting_.empty()) {
        auto batch = std::exchange(waiting_, {});
        if (co_await write_whole(batch)) {
            call_safe(batch);
            continue;
        }
        put_back(std::move(batch));
        if (stopping_) break;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
    writing_ = false;
}

/// What is settled goes behind all records, which may be those of the same calls.
RecordWriter::Batch RecordWriter::take_part(Batch& batch) {
    Batch part;
    while (!batch.records.empty() && part.records.size() < records_at_once)
        part.records.insert(batch.records.extract(batch.records.begin()));
    if (!batch.records.empty()) return part;
    const auto left = batch.settled.size() - std::min(batch.settled.size(), records_at_once);
    const auto first = batch.settled.begin() + static_cast<std::ptrdiff_t>(left);
    part.settled.assign(first, batch.settled.end());
    batch.settled.erase(first, batch.settled.end());
    return part;
}

/// False: the database is away, and what is left in the batch waits.
boost::asio::awaitable<bool> RecordWriter::write_whole(Batch& batch) {
    while (!batch.records.empty() || !batch.settled.empty()) {
        auto part = take_part(batch);
        const auto failed = co_await attempt(part);
        if (!failed || (failed->refused && co_await write_singly(part))) continue;
        batch.records.merge(part.records);
        batch.settled.insert(batch.settled.end(), part.settled.begin(), part.settled.end());
        log_.error("call records wait", {{"records", batch.records.size()}, {"error", failed->why}});
        co_return false;
    }
    co_return true;
}

/// What is written or lost leaves the batch.
boost::asio::awaitable<bool> RecordWriter::write_singly(Batch& batch) {
    while (!batch.records.empty()) {
        Batch single;
        single.records.insert(*batch.records.begin());
        const auto failed = co_await attempt(single);
        if (failed && !failed->refused) co_return false;
        if (failed)
            log_.error("a call record is lost",
                       {{"call", batch.records.begin()->first}, {"error", failed->why}});
        batch.records.erase(batch.records.begin());
    }
    const auto failed = co_await attempt(batch);
    if (failed && !failed->refused) co_return false;
    if (failed)
        log_.error("calls are not noted as settled",
                   {{"calls", batch.settled.size()}, {"error", failed->why}});
    co_return true;
}

boost::asio::awaitable<std::optional<RecordWriter::Failed>> RecordWriter::attempt(const Batch& batch) {
    if (batch.empty()) co_return std::nullopt;
    try {
        auto statement = [values = parameters(batch)](base::sql::Session& session) {
            session.exec("select ledger.record_calls($1, $2, $3, $4)", values);
        };
        co_await database_.run(std::move(statement));
        co_return std::nullopt;
    } catch (const base::sql::Error& failure) {
        // Class 42 is no record's fault: a privilege or the function is missing until somebody mends that.
        const bool refused =
            failure.failure() == base::sql::Failure::data && !failure.sqlstate().starts_with("42");
        co_return Failed{failure.what(), refused};
    } catch (const std::exception& failure) {
        co_return Failed{failure.what(), false};
    }
}

}  // namespace calls
