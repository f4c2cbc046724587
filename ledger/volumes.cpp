// What amounts, codes and volumes stand for: minor units and prices looked up, and requests of volumes.
#include "base/ids.hpp"
#include "base/utf8.hpp"
#include "ledger/digest.hpp"
#include "ledger/hold_id.hpp"
#include "ledger/ledger.hpp"
#include "ledger/shares.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

/// The parameters that select a tariff; absent where the request names none.
struct Selection {
    std::array<std::optional<std::string>, 4> values;  ///< unit, contract, service, operation

    static constexpr std::array<std::string_view, 4> names{"unit", "contract", "service", "operation"};
};

/// Nothing where a name has two values. Empty values count as absent ones, as everywhere.
std::optional<Selection> selection_of(const Volume& volume) {
    Selection selection;
    for (const auto& parameter : volume.parameters) {
        const auto* name = std::ranges::find(Selection::names, parameter.name);
        if (name == Selection::names.end() || parameter.value.empty()) continue;
        auto& value = selection.values.at(static_cast<std::size_t>(name - Selection::names.begin()));
        if (value && *value != parameter.value) return std::nullopt;
        value = parameter.value;
    }
    return selection;
}

bool fits(const Volume& volume, const Options& options) {
    const auto text_fits = [&](const std::string& text) {
        return base::is_storable_text(text, options.text_bytes_max);
    };
    return volume.parameters.size() <= options.parameters_max &&
           std::ranges::all_of(volume.parameters,
                               [&](const auto& p) { return text_fits(p.name) && text_fits(p.value); });
}

/// The hold that a posting is about, as SQL reads it.
std::optional<std::string> hex_hold(const Posting& posting) {
    return posting.hold ? std::optional(base::hex(posting.hold->id)) : std::nullopt;
}

/// The digest of a request and of the volume that it is about; the order of parameters means nothing.
base::Id128 digest_with(const base::Id128& digest, const Volume& volume) {
    Fields fields;
    fields.add(digest);
    fields.add(std::string_view("volume"));
    fields.add(volume.value);
    auto parameters = volume.parameters;
    std::ranges::sort(parameters, {}, [](const auto& p) { return std::tie(p.name, p.value); });
    for (const auto& parameter : parameters) {
        fields.add(std::string_view(parameter.name));
        fields.add(std::string_view(parameter.value));
    }
    return fields.digest();
}

}  // namespace

/// An amount in minor units becomes what it is in its unit: the one it names, its hold's, that of the charge
/// which it gives back, or its balance's. The digest follows, so that 150 and 1.50 are one request.
asio::awaitable<std::optional<Refusal>> Ledger::in_major_units(Posting& posting, std::string_view operation) {
    auto& amount = posting.amount;
    if (!amount.minor || amount.by_code || amount.value.overflow) co_return std::nullopt;
    auto params = base::sql::params(amount.unit, std::string(operation), std::int64_t{posting.account->shard},
                                    posting.account->id, std::int64_t{posting.application}, posting.reference,
                                    posting.original_reference, hex_hold(posting), posting.balance_type);
    const auto rows = co_await read(
        "select exponent from ledger.unit"
        " where unit = coalesce($1, ledger.unit_meant($2, $3, $4, $5, $6, $7, $8, $9))",
        std::move(params));
    if (!rows) co_return rows.error();
    if (rows->empty()) co_return std::nullopt;  // no such unit or balance: posting it tells which
    const auto exponent = static_cast<int>(rows->integer(0, 0));
    amount.value = base::Decimal::of_minor(amount.value.unscaled, amount.value.scale + exponent);
    amount.minor = false;
    posting.digest = digest_of(posting);
    co_return std::nullopt;
}

/// Puts the price of the posting's code in the place of its amount, if that is what the request asks for.
asio::awaitable<std::optional<Refusal>> Ledger::price(Posting& posting, std::string_view operation) {
    if (!posting.amount.by_code) co_return std::nullopt;
    if (posting.code.empty()) co_return Refusal::unknown_price;
    auto params =
        base::sql::params(std::string(operation), std::int64_t{posting.account->shard}, posting.account->id,
                          std::int64_t{posting.application}, posting.reference, posting.original_reference,
                          hex_hold(posting), posting.balance_type, posting.amount.unit, posting.code);
    auto work = running(
        "select o_amount, o_exponent, o_unit"
        " from ledger.code_price($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        std::move(params));
    const auto rows = co_await run_work(std::move(work), Locks::none);
    if (!rows) co_return rows.error();
    if (rows->is_null(0, 0)) co_return Refusal::unknown_price;
    posting.amount.value =
        base::Decimal::of_minor(rows->integer(0, 0), static_cast<int>(rows->integer(0, 1)));
    posting.amount.unit = rows->optional_text(0, 2);
    co_return std::nullopt;
}

asio::awaitable<Result<Rated>> Ledger::rate(RateVolume question) {
    const auto selection = selection_of(question.volume);
    if (!selection || !fits(question.volume, options_)) co_return Refusal::invalid_parameters;
    if (question.balance_type && question.balance_type->empty()) question.balance_type.reset();
    if (question.balance_type && !base::is_storable_text(*question.balance_type, options_.text_bytes_max))
        co_return Refusal::unknown_balance;
    const auto application = co_await known(std::move(question.application));
    if (!application) co_return application.error();
    const auto& by = selection->values;
    auto params =
        base::sql::params(std::int64_t{question.account->shard}, question.account->id,
                          std::int64_t{application->id}, question.balance_type, question.volume.value, by[0],
                          by[1], by[2], by[3], options_.lane.limits.max_amount);
    auto work = running(
        "select q.o_outcome, q.o_amount, q.o_currency, q.o_exponent, t.name"
        "  from ledger.quote_volume($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10, clock_timestamp()) q"
        "  left join ledger.tariff t on t.tariff_id = q.o_tariff",
        std::move(params));
    const auto rows = co_await run_work(std::move(work), Locks::none);
    if (!rows) co_return rows.error();
    if (rows->text(0, 0) != "posted") co_return refusal_named(rows->text(0, 0)).value_or(Refusal::internal);
    Rated rated;
    rated.decimals = static_cast<int>(rows->integer(0, 3));
    rated.amount = base::Decimal::of_minor(rows->integer(0, 1), rated.decimals);
    rated.unit = rows->text(0, 2);
    rated.tariff = rows->optional_text(0, 4);
    co_return rated;
}

asio::awaitable<Result<Receipt>> Ledger::charge_volume(ChargeVolume request) {
    Posting posting;
    posting.operation = Operation::charge;
    posting.account = std::move(request.account);
    posting.balance_type = std::move(request.balance_type);
    posting.contra = "revenue";
    co_return co_await post_volume(std::move(posting), std::move(request.volume), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::refund_volume(RefundVolume request) {
    Posting posting;
    posting.operation = Operation::refund;
    posting.account = std::move(request.account);
    posting.balance_type = std::move(request.balance_type);
    posting.contra = "revenue";
    posting.original_reference = std::move(request.original_reference);
    posting.unlinked_allowed = request.unlinked_allowed;
    co_return co_await post_volume(std::move(posting), std::move(request.volume), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::place_volume(PlaceVolume request) {
    Posting posting;
    posting.operation = Operation::hold;
    posting.account = request.account;
    posting.balance_type = request.balance_type;
    posting.hold = HoldId{request.account->shard, base::random_id()};
    HoldFacts facts{{}, request.account, request.origin.application, std::move(request.balance_type), true};
    const auto receipt =
        co_await post_volume(std::move(posting), std::move(request.volume), std::move(request.origin));
    if (receipt && receipt->hold) {
        facts.id = *receipt->hold;
        remember(std::move(facts));
    }
    co_return receipt;
}

asio::awaitable<Result<Receipt>> Ledger::extend_volume(ExtendVolume request) {
    Posting posting;
    posting.operation = Operation::extend;
    posting.balance_type = std::move(request.balance_type);
    co_return co_await post_volume_on_hold(std::move(posting), std::move(request.hold), request.volume,
                                           std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::capture_volume(CaptureVolume request) {
    Posting posting;
    posting.operation = Operation::capture;
    posting.balance_type = std::move(request.balance_type);
    posting.contra = "revenue";
    co_return co_await post_volume_on_hold(std::move(posting), std::move(request.hold), request.volume,
                                           std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::post_volume_on_hold(Posting posting, HoldPtr hold,
                                                             std::int64_t volume, Origin origin) {
    // Somebody else's hold is an unknown one, and one of an amount has no volume to change.
    if (hold->application != origin.application || !hold->of_volume) co_return Refusal::unknown_hold;
    aim_at(posting, *hold);
    Volume of_hold;
    of_hold.value = volume;
    co_return co_await post_volume(std::move(posting), std::move(of_hold), std::move(origin));
}

/// What every request of a volume but the split does: normalise, check, hand over to the one function.
asio::awaitable<Result<Receipt>> Ledger::post_volume(Posting posting, Volume volume, Origin origin) {
    const auto selection = selection_of(volume);
    if (!selection || !fits(volume, options_)) co_return Refusal::invalid_parameters;
    if (const auto refusal = prepare(posting, origin)) co_return *refusal;
    const auto application = co_await known(std::move(origin.application));
    if (!application) co_return application.error();
    const auto shard = posting.account->shard;
    const auto& by = selection->values;
    auto params = base::sql::params(
        std::string(to_string(posting.operation)), std::int64_t{shard}, posting.account->id,
        posting.account->epoch_to_compare(), posting.balance_type, volume.value, by[0], by[1], by[2], by[3],
        std::int64_t{application->id}, posting.reference, base::hex(digest_with(posting.digest, volume)),
        hex_hold(posting), posting.contra, posting.original_reference, posting.unlinked_allowed, posting.code,
        posting.description, options_.lane.limits.max_amount,
        std::to_string(options_.lane.limits.hold_ttl.count()) + " milliseconds");
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no, o_hold"
        " from ledger.post_volume($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
        " nullif($15, ''), $16, $17, nullif($18, ''), nullif($19, ''), $20, $21)",
        std::move(params));
    if (application->limited) {
        Counted counting{std::string(to_string(posting.operation)),
                         shard,
                         posting.account->id,
                         application->id,
                         posting.reference,
                         volume.value < 0,
                         posting.of_call};
        work = counted(std::move(work), std::move(counting));
    }
    const auto rows = co_await run_work(std::move(work));
    if (!rows) co_return rows.error();
    auto receipt = receipt_of(*rows);
    if (receipt && !rows->is_null(0, 3)) receipt->hold = HoldId{shard, id_of_hex(rows->text(0, 3)).value()};
    co_return receipt;
}

asio::awaitable<Result<Receipt>> Ledger::split_volume(SplitVolume request) {
    const auto selection = selection_of(request.volume);
    if (!selection || !fits(request.volume, options_)) co_return Refusal::invalid_parameters;
    const auto shares = merged_shares(std::move(request.shares));
    if (!shares) co_return shares.error();
    Posting common;
    common.account = shares->front().account;
    common.balance_type = std::move(request.balance_type);
    if (const auto refusal = prepare(common, request.origin)) co_return *refusal;
    const auto application = co_await known(std::move(request.origin.application));
    if (!application) co_return application.error();
    const auto columns = share_columns(*shares, digest_with(common.digest, request.volume));
    const auto& by = selection->values;
    auto params = base::sql::params(
        std::int64_t{application->id}, common.reference, base::hex(columns.digest), columns.shard,
        columns.account, columns.epoch, columns.percent, common.balance_type, request.volume.value, by[0],
        by[1], by[2], by[3], common.code, common.description, options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.post_split_volume($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
        " nullif($14, ''), nullif($15, ''), $16)",
        std::move(params));
    co_return co_await run_split(std::move(work), *application, std::move(common.reference));
}

}  // namespace ledger
