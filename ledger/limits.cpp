// Applications and their limits: requests of limited ones are counted in the transaction that posts them, so
// that what is counted is exactly what was posted, on however many nodes. Those of a lane are counted by the
// batch, on a lane of their own; the others, here, one by one.
#include "ledger/batch.hpp"
#include "ledger/ledger.hpp"

#include <array>
#include <utility>

namespace asio = boost::asio;

namespace ledger {

asio::awaitable<Result<Ledger::Known>> Ledger::known(std::string name) {
    std::uint64_t read_in = 0;
    {
        const std::lock_guard lock(mutex_);
        if (const auto* found = applications_.find(name)) co_return *found;
        read_in = applications_epoch_;
    }
    auto statement = [name](base::sql::Session& session) {
        const auto rows =
            session.exec("select a.id, ledger.is_limited(a.id) from ledger.application_id($1) a(id)",
                         base::sql::params(name));
        return Known{static_cast<std::int32_t>(rows.integer(0, 0)), rows.boolean(0, 1)};
    };
    Known application;
    // A refusal is returned behind the catch clauses; none of them may throw past the caller, who gets
    // outcomes only.
    std::optional<Refusal> refusal;
    try {
        application = co_await database_.run(statement);
    } catch (const base::DatabaseBusy&) {
        refusal = Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("an application's number can't be had", {{"error", error.what()}});
        refusal = Refusal::unavailable;
    }
    if (refusal) co_return *refusal;
    const std::lock_guard lock(mutex_);
    if (read_in == applications_epoch_) applications_.put(std::move(name), application);
    co_return application;
}

void Ledger::forget_limits() {
    const std::lock_guard lock(mutex_);
    ++applications_epoch_;
    applications_.clear();
}

/// The work and the counting of what it posted, both or neither. A request that is over a limit fails the
/// transaction with the state that run_work knows.
Ledger::Work Ledger::counted(Work work, Counted request) {
    return [work = std::move(work), request = std::move(request)](base::sql::Session& session) {
        base::sql::Transaction transaction(session);
        auto rows = work(session);
        const auto outcome = rows.text(0, 0);
        // What was refused moved nothing, and what is replayed was counted when it first came.
        if (outcome == "posted" || outcome == "{posted}") {
            session.exec("select ledger.count_request($1, $2, $3, $4, $5, $6, $7)",
                         base::sql::params(request.operation, request.shard, request.account,
                                           std::int64_t{request.application}, request.reference,
                                           request.gives_back, request.of_call));
        }
        transaction.commit();
        return rows;
    };
}

/// Beside the lanes; `limited`: counted in the same transaction.
asio::awaitable<Result<Receipt>> Ledger::post_alone(Posting posting, bool limited) {
    const std::array<const Posting*, 1> postings{&posting};
    const auto plan = plan_batch(postings);
    auto params = batch_parameters(postings, plan, options_.lane.limits);
    Work work = [layout = options_.lane.layout, params = std::move(params)](base::sql::Session& session) {
        return session.exec(posting_statement(layout, Keys::some_used), params);
    };
    if (limited) {
        Counted request{std::string(to_string(posting.operation)),
                        posting.account->shard,
                        posting.account->id,
                        posting.application,
                        posting.reference,
                        posting.amount.value.unscaled < 0,
                        posting.of_call};
        work = counted(std::move(work), std::move(request));
    }
    const auto rows = co_await run_work(std::move(work));
    if (!rows) co_return rows.error();
    co_return batch_results(*rows, postings, plan).front();
}

}  // namespace ledger
