// Parties first, because they pay for nothing any more; then money; then the record.
#include "telephony/thirdpartycall/recovery.hpp"

#include "base/decimal.hpp"
#include "ledger/hold_id.hpp"
#include "telephony/calls/call_charge.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace thirdpartycall {
namespace {

namespace sql = base::sql;

constexpr std::chrono::seconds retry_pause{2};

/// Runs a statement until the database answers; nothing when the statement itself fails, which the log says.
boost::asio::awaitable<std::optional<sql::Rows>> ask(base::Database& database, std::string statement,
                                                     sql::Params parameters, base::Logger log) {
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    for (;;) {
        auto work = [statement, parameters](sql::Session& session) {
            return session.exec(statement, parameters);
        };
        std::string error;
        bool lasting = false;
        try {
            co_return co_await database.run(work);
        } catch (const sql::Error& failure) {
            error = failure.what();
            lasting = failure.failure() == sql::Failure::data;
        } catch (const std::exception& failure) {
            error = failure.what();
        }
        log.error("lost calls wait", {{"error", error}});
        if (lasting) co_return std::nullopt;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
}

/// A row of ledger.lost_calls.
struct LostCall {
    std::string id;
    bool answered = false;
    std::string hold;  ///< empty: nothing is to be posted
    calls::CallCharge charge;
};

LostCall lost_call(const sql::Rows& rows, std::size_t row) {
    LostCall call;
    call.id = rows.text(row, 0);
    call.answered = rows.boolean(row, 1);
    call.charge.seconds = rows.optional_integer(row, 2).value_or(0);
    call.hold = rows.optional_text(row, 3).value_or("");
    if (const auto amount = rows.optional_text(row, 4))
        call.charge.amount.value = base::Decimal::parse(*amount).value_or(base::Decimal{});
    call.charge.amount.unit = rows.optional_text(row, 5);
    call.charge.origin.reference = rows.optional_text(row, 6).value_or("");
    call.charge.origin.description = rows.optional_text(row, 7).value_or("");
    call.charge.origin.code = rows.optional_text(row, 8).value_or("");
    return call;
}

/// False: it could not be done now, and the record stays open for the next start.
boost::asio::awaitable<bool> settle(ledger::Ledger& ledger, const LostCall& lost, base::Logger log) {
    const auto id = ledger::hold_id_of(lost.hold);
    if (!id) co_return true;
    const auto hold = co_await ledger.find_hold(*id);
    if (!hold) {
        log.error("a lost call's hold can't be found",
                  {{"hold", lost.hold}, {"why", ledger::to_string(hold.error())}});
        co_return hold.error() == ledger::Refusal::unknown_hold;
    }
    auto charge = lost.charge;
    charge.hold = *hold;
    charge.origin.application = (*hold)->application;
    charge.origin.of_call = true;
    auto kept = std::make_shared<const calls::CallCharge>(std::move(charge));
    const auto how =
        co_await calls::settle_charge(ledger, log, std::move(kept), lost.answered, lost.charge.seconds);
    co_return how != calls::Settled::open;
}

}  // namespace

Recovery::Recovery(calls::Recorder recorder, RecoveryOptions options, RunningCalls running,
                   base::Database& database, ledger::Ledger& ledger, calls::Signalling& signalling,
                   boost::asio::any_io_executor executor, base::Logger log)
    : recorder_(std::move(recorder)),
      options_(options),
      running_(std::move(running)),
      database_(database),
      ledger_(ledger),
      signalling_(signalling),
      executor_(std::move(executor)),
      log_(std::move(log)),
      pause_(executor_) {}

void Recovery::start(std::string url) {
    url_ = std::move(url);
    database_.run_blocking(sign_of_life());
    boost::asio::co_spawn(executor_, live(), boost::asio::detached);
}

void Recovery::stop() {
    stopped_ = true;
    pause_.cancel();
}

void Recovery::leave() {
    const auto work = [this](base::sql::Session& session) {
        session.exec("select ledger.leave_calls($1, $2)",
                     base::sql::params(recorder_.node, recorder_.incarnation));
    };
    try {
        database_.run_blocking(work);
    } catch (const std::runtime_error& error) {
        log_.warning("other nodes do not hear that this one has stopped", {{"error", error.what()}});
    }
}

std::function<Recovery::Heartbeat(base::sql::Session&)> Recovery::sign_of_life() const {
    const auto values =
        sql::params(recorder_.node, recorder_.incarnation, std::int64_t{options_.patience.count()}, url_);
    return [values](sql::Session& session) {
        const auto rows = session.exec(
            "select taken, missed from ledger.call_heartbeat($1, $2, $3 * interval '1 millisecond', $4)",
            values);
        return Heartbeat{rows.integer(0, 0), rows.boolean(0, 1)};
    };
}

boost::asio::awaitable<void> Recovery::live() {
    constexpr auto awaited = boost::asio::as_tuple(boost::asio::use_awaitable);
    start_recovering();
    while (!stopped_) {
        const bool missed = co_await missed_others();
        if (missed) start_recovering();
        if (stopped_) break;
        pause_.expires_after(options_.heartbeat);
        co_await pause_.async_wait(awaited);
    }
}

/// Says that this server lives. True: others do not, and their calls are this one's to end now.
boost::asio::awaitable<bool> Recovery::missed_others() {
    std::string error;
    try {
        const auto beat = co_await database_.run(sign_of_life());
        if (beat.missed || unheard_) co_await end_taken();
        unheard_ = false;
        if (beat.taken > 0)
            log_.warning("calls of a node that is gone are taken over", {{"calls", beat.taken}});
        co_return beat.taken > 0;
    } catch (const std::exception& failure) {
        error = failure.what();
    }
    // Its answer may be all that was lost, and with it that others had missed this server.
    unheard_ = true;
    log_.warning("other nodes do not hear that this one lives", {{"error", error}});
    co_return false;
}

/// This server hung, or was cut off, for longer than the others wait. What they have taken is theirs.
boost::asio::awaitable<void> Recovery::end_taken() {
    sql::ArrayText running;
    for (const auto& id : running_.list()) running.add(id);
    const auto values = sql::params(recorder_.node, running);
    const auto taken =
        co_await ask(database_, "select id from ledger.taken_calls($1, $2) t(id)", values, log_);
    for (std::size_t row = 0; taken && row < taken->size(); ++row) {
        const std::string id(taken->text(row, 0));
        log_.warning("another node took this one for dead and ends its call", {{"call", id}});
        running_.taken(id);
    }
}

/// Beside the signs of life: a server that is busy with the calls of another, or waits for the ledger, is not
/// dead itself.
void Recovery::start_recovering() {
    again_ = true;
    if (std::exchange(recovering_, true)) return;
    boost::asio::co_spawn(executor_, recover_all(), [this](const std::exception_ptr& error) {
        recovering_ = false;
        if (error) log_.error("lost calls are left to the next start");
    });
}

boost::asio::awaitable<void> Recovery::recover_all() {
    while (std::exchange(again_, false)) co_await recover();
}

boost::asio::awaitable<void> Recovery::recover() {
    const auto whose = sql::params(recorder_.node, recorder_.incarnation);
    const auto dialogs = co_await ask(database_, "select ledger.lost_dialogs($1, $2)", whose, log_);
    for (std::size_t row = 0; dialogs && row < dialogs->size(); ++row)
        signalling_.hang_up_lost(std::string(dialogs->text(row, 0)));
    const auto calls =
        co_await ask(database_,
                     "select call_id, answered, seconds, hold, amount, unit, reference, description, code"
                     "  from ledger.lost_calls($1, $2)",
                     whose, log_);
    for (std::size_t row = 0; calls && row < calls->size(); ++row) {
        const auto lost = lost_call(*calls, row);
        const bool settled = co_await settle(ledger_, lost, log_);
        log_.warning(
            "a call of an earlier run is closed",
            {{"call", lost.id}, {"answered", lost.answered}, {"hold", lost.hold}, {"settled", settled}});
        if (!settled) continue;
        const auto id = sql::params(lost.id);
        co_await ask(database_, "select ledger.close_lost_call($1)", id, log_);
    }
}

}  // namespace thirdpartycall
