// The ledger's rare and multi-account operations: requests of several legs, each one transaction.
#include "ledger/ledger.hpp"

#include "ledger/digest.hpp"
#include "ledger/shares.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <map>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

/// What ledger.count_request raises.
constexpr std::string_view over_limit_state = "LL002";

/// A digest needs every leg in order: the same reference with other legs is another request.
base::Id128 digest_of_legs(std::string_view operation, const std::vector<Posting>& legs) {
    Fields fields;
    fields.add(operation);
    for (const auto& leg : legs) {
        fields.add(digest_of(leg));
    }
    return fields.digest();
}

}  // namespace

asio::awaitable<Result<Receipt>> Ledger::adjust(Adjust request) {
    Posting leg;
    leg.account = request.account;
    leg.balance_type = std::move(request.balance_type);
    leg.amount = std::move(request.amount);
    leg.contra = "adjustment";
    GroupKey key{request.account->shard, request.account->id};
    std::vector<Posting> legs;
    if (const auto refusal = prepare(leg, request.origin)) co_return *refusal;
    const auto application = co_await known(std::move(request.origin.application));
    if (!application) co_return application.error();
    leg.application = application->id;
    legs.push_back(std::move(leg));
    co_return co_await group("adjustment", key, std::move(legs));
}

asio::awaitable<Result<Receipt>> Ledger::transfer(Transfer request) {
    if (request.amount.value.unscaled <= 0) co_return Refusal::not_positive;
    Posting from;
    from.account = request.from;
    from.balance_type = std::move(request.from_balance);
    from.amount = request.amount;
    from.amount.value.unscaled = -from.amount.value.unscaled;
    from.contra = "clearing";
    Posting to;
    to.account = std::move(request.to);
    to.balance_type = std::move(request.to_balance);
    to.amount = std::move(request.amount);
    to.contra = "clearing";
    Origin origin = request.origin;
    if (const auto refusal = prepare(from, request.origin)) co_return *refusal;
    if (const auto refusal = prepare(to, origin)) co_return *refusal;
    const auto application = co_await known(std::move(request.origin.application));
    if (!application) co_return application.error();
    from.application = to.application = application->id;
    GroupKey key{request.from->shard, request.from->id};
    std::vector<Posting> legs;
    legs.push_back(std::move(from));
    legs.push_back(std::move(to));
    co_return co_await group("transfer", key, std::move(legs));
}

asio::awaitable<Result<Receipt>> Ledger::group(std::string_view operation, GroupKey key,
                                               std::vector<Posting> legs) {
    const auto digest = digest_of_legs(operation, legs);
    base::sql::ArrayText shard, account, epoch, balance, amount, scale, unit, contra;
    for (const auto& leg : legs) {
        const auto value = within_64_bits(leg.amount.value);
        shard.add(std::int64_t{leg.account->shard});
        account.add(leg.account->id);
        epoch.add(leg.account->epoch_to_compare());
        balance.add(leg.balance_type);
        amount.add(value.unscaled);
        scale.add(std::int64_t{value.scale});
        unit.add(leg.amount.unit);
        contra.add(std::string_view(leg.contra));
    }
    const auto& first = legs.front();
    auto params = base::sql::params(std::string(operation), std::int64_t{key.shard}, key.account,
                                    std::int64_t{first.application}, first.reference, base::hex(digest),
                                    shard, account, epoch, balance, amount, scale, unit, contra, first.code,
                                    first.description, options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.post_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
        " nullif($15, ''), nullif($16, ''), null, $17)",
        std::move(params));
    co_return co_await run_group(std::move(work));
}

asio::awaitable<Result<Receipt>> Ledger::split(Split request) {
    const auto shares = merged_shares(std::move(request.shares));
    if (!shares) co_return shares.error();
    Posting common;
    common.account = shares->front().account;
    common.balance_type = std::move(request.balance_type);
    common.amount = std::move(request.amount);
    if (const auto refusal = prepare(common, request.origin)) co_return *refusal;
    const auto application = co_await known(std::move(request.origin.application));
    if (!application) co_return application.error();
    common.application = application->id;
    if (const auto refusal = co_await in_major_units(common, "split")) co_return *refusal;
    if (const auto refusal = co_await price(common, "split")) co_return *refusal;

    const auto columns = share_columns(*shares, common.digest);
    const auto value = within_64_bits(common.amount.value);
    auto params =
        base::sql::params(std::int64_t{application->id}, common.reference, base::hex(columns.digest),
                          columns.shard, columns.account, columns.epoch, columns.percent, common.balance_type,
                          value.unscaled, std::int64_t{value.scale}, common.amount.unit, common.code,
                          common.description, options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.post_split($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
        " nullif($12, ''), nullif($13, ''), $14)",
        std::move(params));
    co_return co_await run_split(std::move(work), *application, std::move(common.reference));
}

asio::awaitable<Result<Receipt>> Ledger::reverse(Reverse request) {
    Posting posting;
    posting.account = request.account;
    posting.original_reference = request.of_reference;
    // The digest names all of what is undone: the same reference for another request is a conflict.
    request.origin.code = request.of_operation + ' ' + request.of_application;
    if (const auto refusal = prepare(posting, request.origin)) co_return *refusal;
    const auto by = co_await known(std::move(request.origin.application));
    if (!by) co_return by.error();
    const auto of = co_await known(std::move(request.of_application));
    if (!of) co_return of.error();
    auto params =
        base::sql::params(std::int64_t{posting.account->shard}, posting.account->id, std::int64_t{by->id},
                          std::int64_t{of->id}, request.of_operation, request.of_reference, posting.reference,
                          base::hex(posting.digest), posting.description, options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.reverse($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10)",
        std::move(params));
    co_return co_await run_group(std::move(work));
}

asio::awaitable<Result<Receipt>> Ledger::credit_new_balance(Posting posting, bool limited) {
    const auto value = within_64_bits(posting.amount.value);
    auto params = base::sql::params(
        std::int64_t{posting.account->shard}, posting.account->id, posting.account->epoch_to_compare(),
        posting.balance_type, value.unscaled, std::int64_t{value.scale}, posting.amount.unit,
        std::int64_t{posting.application}, posting.reference, base::hex(posting.digest), posting.contra,
        posting.period_days ? std::optional(std::int64_t{*posting.period_days}) : std::nullopt, posting.code,
        posting.description, options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.credit_new_balance($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
        " nullif($13, ''), nullif($14, ''), $15)",
        std::move(params));
    if (limited) {
        Counted counting{"credit", posting.account->shard, posting.account->id, posting.application,
                         posting.reference};
        work = counted(std::move(work), std::move(counting));
    }
    co_return co_await run_group(std::move(work));
}

Result<Receipt> Ledger::receipt_of(const base::sql::Rows& rows) {
    const auto outcome = rows.text(0, 0);
    if (outcome != "posted" && outcome != "replayed") {
        return refusal_named(outcome).value_or(Refusal::internal);
    }
    Receipt receipt;
    receipt.replayed = outcome == "replayed";
    receipt.request_id = rows.integer(0, 1);
    receipt.journal_no = rows.optional_integer(0, 2);
    return receipt;
}

asio::awaitable<Result<Receipt>> Ledger::run_group(Work work) {
    const auto rows = co_await run_work(std::move(work));
    if (!rows) co_return rows.error();
    co_return receipt_of(*rows);
}

/// Its key names no account, so neither does what is counted.
asio::awaitable<Result<Receipt>> Ledger::run_split(Work work, Known application, std::string reference) {
    if (application.limited) {
        Counted counting{"split", std::nullopt, 0, application.id, std::move(reference)};
        work = counted(std::move(work), std::move(counting));
    }
    co_return co_await run_group(std::move(work));
}

Ledger::Work Ledger::running(std::string text, base::sql::Params params) {
    return [text = std::move(text), params = std::move(params)](base::sql::Session& session) {
        return session.exec(text, params);
    };
}

/// Runs one transaction until the database has answered; sending again is safe, because the request has a
/// key.
asio::awaitable<Result<base::sql::Rows>> Ledger::run_work(Work work, Locks locks) {
    const auto deadline = std::chrono::steady_clock::now() + options_.lane.resend_for;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    bool in_doubt = false;  // an earlier try may have posted it
    while (true) {
        std::optional<Refusal> refusal;
        bool again = false;
        try {
            if (locks == Locks::shards)
                co_return co_await database_.run_locking(work, options_.lane.queue_timeout);
            co_return co_await database_.run(work);
        } catch (const base::DatabaseBusy&) {
            refusal = in_doubt ? Refusal::unavailable : Refusal::overloaded;
        } catch (const base::sql::Error& error) {
            if (error.sqlstate() == over_limit_state) {
                log_.info("a request is over a limit", {{"error", error.what()}});
                co_return Refusal::over_limit;
            }
            log_.warning("a request beside the lanes failed", {{"error", error.what()}});
            again = error.failure() != base::sql::Failure::data;
            in_doubt = in_doubt || again;
            refusal = again ? Refusal::unavailable : Refusal::internal;
        }
        if (!again || std::chrono::steady_clock::now() >= deadline) co_return *refusal;
        pause.expires_after(options_.lane.reconnect_pause);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

}  // namespace ledger
