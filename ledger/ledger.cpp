// The ledger's operations: from a request to a posting on its lane.
#include "ledger/ledger.hpp"

#include "base/ids.hpp"
#include "base/utf8.hpp"
#include "ledger/hold_id.hpp"

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

/// Application names are few; this only bounds what a flood of new ones could take.
constexpr std::size_t application_cache = 10'000;

std::size_t waiting_in(const std::vector<std::unique_ptr<Lane>>& lanes) {
    std::size_t sum = 0;
    for (const auto& lane : lanes) sum += lane->waiting();
    return sum;
}

}  // namespace

Ledger::Ledger(Options options, base::Database& database, base::Logger log)
    : options_(std::move(options)),
      database_(database),
      log_(std::move(log)),
      shards_(database_.run_blocking(
          [&](base::sql::Session& session) { return Shards(session, options_.shards); })),
      directory_(database_, options_.address_cache, log_),
      applications_(application_cache),
      holds_(options_.hold_cache) {
    if (shards_.distributed()) options_.lane.layout = Layout::cluster;
    for (std::size_t i = 0; i < options_.lanes; ++i) {
        lanes_.push_back(std::make_unique<Lane>(options_.lane, log_));
    }
    if (lanes_.empty()) return;
    auto counting = options_.lane;
    counting.counts = true;
    limited_lane_ = std::make_unique<Lane>(std::move(counting), log_);
}

Ledger::~Ledger() = default;

asio::awaitable<Result<AccountPtr>> Ledger::find(std::string address) {
    // Text that PostgreSQL cannot store is no address.
    if (!base::is_storable_text(address, options_.text_bytes_max)) co_return Refusal::unknown_account;
    co_return co_await directory_.find(std::move(address));
}

asio::awaitable<Located> Ledger::locate(std::string text) {
    auto readings = readings_of(text, options_.numbers);
    Located located{readings.front(), Refusal::unknown_account};
    const auto literal = readings.size() - 1;
    for (std::size_t i = 0; i < readings.size(); ++i) {
        // Spelled like the directory does, it counts only where nothing else is meant.
        if (i > 0 && i == literal && located.account) break;
        auto account = co_await find(readings[i]);
        if (!account && account.error() == Refusal::unknown_account) continue;
        const bool second = account && located.account && (*account)->id != (*located.account)->id;
        if (second) account = Refusal::unknown_account;
        const bool stop = !account;
        located = {std::move(readings[i]), std::move(account)};
        if (stop) break;
    }
    co_return located;
}

asio::awaitable<Result<Receipt>> Ledger::charge(Charge request) {
    Posting posting;
    posting.operation = Operation::charge;
    posting.account = std::move(request.account);
    posting.balance_type = std::move(request.balance_type);
    posting.amount = std::move(request.amount);
    posting.contra = "revenue";
    co_return co_await post(std::move(posting), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::refund(Refund request) {
    Posting posting;
    posting.operation = Operation::refund;
    posting.account = std::move(request.account);
    posting.balance_type = std::move(request.balance_type);
    posting.amount = std::move(request.amount);
    posting.contra = "revenue";
    posting.original_reference = std::move(request.original_reference);
    posting.unlinked_allowed = request.unlinked_allowed;
    co_return co_await post(std::move(posting), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::credit(Credit request) {
    Posting posting;
    posting.operation = Operation::credit;
    posting.account = std::move(request.account);
    posting.balance_type = std::move(request.balance_type);
    posting.amount = std::move(request.amount);
    posting.contra = std::move(request.contra);
    posting.period_days = request.period_days;
    Posting again = posting;
    Origin origin = request.origin;
    const auto receipt = co_await post(std::move(posting), std::move(request.origin));
    if (receipt || receipt.error() != Refusal::unknown_balance || !again.balance_type) co_return receipt;
    if (const auto refusal = prepare(again, origin)) co_return *refusal;
    const auto application = co_await known(std::move(origin.application));
    if (!application) co_return application.error();
    again.application = application->id;
    co_return co_await credit_new_balance(std::move(again), application->limited);
}

asio::awaitable<Result<Receipt>> Ledger::place(Place request) {
    Posting posting;
    posting.operation = Operation::hold;
    posting.account = request.account;
    posting.balance_type = request.balance_type;
    posting.amount = std::move(request.amount);
    posting.hold = HoldId{request.account->shard, base::random_id()};
    HoldFacts facts{{}, request.account, request.origin.application, std::move(request.balance_type), false};
    const auto receipt = co_await post(std::move(posting), std::move(request.origin));
    if (receipt && receipt->hold) {
        facts.id = *receipt->hold;
        remember(std::move(facts));
    }
    co_return receipt;
}

void Ledger::remember(HoldFacts facts) {
    auto key = to_string(facts.id);
    auto hold = std::make_shared<const HoldFacts>(std::move(facts));
    const std::lock_guard lock(mutex_);
    holds_.put(std::move(key), std::move(hold));
}

asio::awaitable<Result<HoldPtr>> Ledger::find_hold(HoldId id) {
    const auto key = to_string(id);
    {
        const std::lock_guard lock(mutex_);
        if (const auto* found = holds_.find(key)) co_return *found;
    }
    auto statement = [id](base::sql::Session& session) {
        return session.exec(
            "select h.account_id, a.domain, p.name, h.balance_type, h.volume is not null"
            "  from ledger.hold h"
            "  join ledger.account a on a.shard = h.shard and a.account_id = h.account_id"
            "  join ledger.application p on p.application_id = h.application_id"
            " where h.shard = $1 and h.hold_id = $2",
            base::sql::params(std::int64_t{id.shard}, base::hex(id.id)));
    };
    Refusal refusal = Refusal::unknown_hold;
    HoldPtr hold;
    try {
        const auto rows = co_await database_.run(statement);
        if (!rows.empty()) {
            Account account;
            account.id = rows.integer(0, 0);
            account.shard = id.shard;
            account.domain = rows.text(0, 1);
            HoldFacts facts{id, std::make_shared<const Account>(std::move(account)),
                            std::string(rows.text(0, 2)), rows.optional_text(0, 3), rows.boolean(0, 4)};
            hold = std::make_shared<const HoldFacts>(std::move(facts));
        }
    } catch (const base::DatabaseBusy&) {
        refusal = Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("a hold can't be looked up", {{"error", error.what()}});
        refusal = Refusal::unavailable;
    }
    if (!hold) co_return refusal;
    const std::lock_guard lock(mutex_);
    holds_.put(key, hold);
    co_return hold;
}

asio::awaitable<Result<Receipt>> Ledger::extend(Extend request) {
    Posting posting;
    posting.operation = Operation::extend;
    posting.balance_type = std::move(request.balance_type);
    posting.amount = std::move(request.amount);
    co_return co_await post_on_hold(std::move(posting), std::move(request.hold), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::capture(Capture request) {
    Posting posting;
    posting.operation = Operation::capture;
    posting.balance_type = std::move(request.balance_type);
    posting.amount = std::move(request.amount);
    posting.contra = "revenue";
    co_return co_await post_on_hold(std::move(posting), std::move(request.hold), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::release(Release request) {
    Posting posting;
    posting.operation = Operation::release;
    posting.balance_type = std::move(request.balance_type);
    co_return co_await post_on_hold(std::move(posting), std::move(request.hold), std::move(request.origin));
}

asio::awaitable<Result<Receipt>> Ledger::post_on_hold(Posting posting, HoldPtr hold, Origin origin) {
    // Somebody else's hold is an unknown one, and one of a volume has no amount to change.
    const bool unfit_hold = hold->of_volume && posting.operation != Operation::release;
    if (hold->application != origin.application || unfit_hold) co_return Refusal::unknown_hold;
    aim_at(posting, *hold);
    co_return co_await post(std::move(posting), std::move(origin));
}

/// What every operation of a lane does: normalise, check what PostgreSQL could not store, hand over.
asio::awaitable<Result<Receipt>> Ledger::post(Posting posting, Origin origin) {
    if (const auto refusal = prepare(posting, origin)) co_return *refusal;
    const auto application = co_await known(std::move(origin.application));
    if (!application) co_return application.error();
    posting.application = application->id;
    const auto operation = to_string(posting.operation);
    if (const auto refusal = co_await in_major_units(posting, operation)) co_return *refusal;
    if (const auto refusal = co_await price(posting, operation)) co_return *refusal;
    if (lanes_.empty()) co_return co_await post_alone(std::move(posting), application->limited);
    auto& lane = application->limited ? *limited_lane_ : lane_of(posting.account->shard);
    co_return co_await lane.post(std::move(posting));
}

/// Fills in what follows from the origin. A refusal: the request can't be stored.
std::optional<Refusal> Ledger::prepare(Posting& posting, Origin& origin) const {
    posting.reference = std::move(origin.reference);
    posting.description = std::move(origin.description);
    posting.code = std::move(origin.code);
    posting.of_call = origin.of_call;
    if (posting.balance_type && posting.balance_type->empty()) posting.balance_type.reset();
    if (posting.amount.unit && posting.amount.unit->empty()) posting.amount.unit.reset();
    const bool keyless = posting.operation == Operation::hold || posting.operation == Operation::extend ||
                         posting.operation == Operation::release;
    // Every request has a key, so that a batch can be sent again; where the client gave none, nobody knows
    // this one.
    if (keyless && posting.reference.empty()) posting.reference = base::random_hex_id();
    if (const auto refusal = unfit(posting)) return refusal;
    posting.digest = digest_of(posting);
    return std::nullopt;
}

std::optional<Refusal> Ledger::unfit(const Posting& posting) const {
    const auto reference_fits = [this](const std::string& text) {
        return !text.empty() && base::is_storable_text(text, options_.reference_bytes_max);
    };
    const auto text_fits = [this](const std::string& text) {
        return base::is_storable_text(text, options_.text_bytes_max);
    };
    if (!reference_fits(posting.reference)) return Refusal::invalid_reference;
    if (posting.original_reference && !reference_fits(*posting.original_reference))
        return Refusal::unknown_charge;
    if (posting.balance_type && !text_fits(*posting.balance_type)) return Refusal::unknown_balance;
    if (posting.amount.unit && !text_fits(*posting.amount.unit)) return Refusal::wrong_unit;
    // Without a bound the date would leave what PostgreSQL can hold, and fail the whole batch.
    if (posting.period_days && (*posting.period_days < 1 || *posting.period_days > options_.period_days_max))
        return Refusal::invalid_period;
    if (!text_fits(posting.description) || !text_fits(posting.code)) return Refusal::invalid_text;
    return std::nullopt;
}

Lane& Ledger::lane_of(std::int16_t shard) {
    // By slot, not by value: the values are chosen for spreading over nodes, not over lanes.
    const auto& all = shards_.all();
    const auto slot = std::ranges::find(all, shard) - all.begin();
    return *lanes_[static_cast<std::size_t>(slot) % lanes_awake()];
}

/// One more when each has a full load; one less only when far less waits, because postings of one shard that
/// are in two lanes wait for one another.
std::size_t Ledger::lanes_awake() {
    const auto full = std::min(options_.lane.fill, options_.lane.batch_max);
    const auto postings = waiting_in(lanes_);
    auto awake = awake_.load(std::memory_order_relaxed);
    if (awake < lanes_.size() && postings >= awake * full)
        ++awake;
    else if (awake > 1 && postings < (awake - 1) * full / 4)
        --awake;
    awake_.store(awake, std::memory_order_relaxed);
    return awake;
}

std::string Ledger::trouble() const {
    const auto patience = options_.lane.session.statement_timeout + options_.lane.queue_timeout;
    bool connected = true;
    Lane::Clock::duration unanswered{};
    const auto look_at = [&](const Lane& lane) {
        connected = connected && lane.connected();
        unanswered = std::max(unanswered, lane.unanswered());
    };
    for (const auto& lane : lanes_) look_at(*lane);
    if (limited_lane_) look_at(*limited_lane_);
    if (!connected) return "not all have reached the database";
    if (unanswered <= patience) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(unanswered).count();
    return "the database has not answered for " + std::to_string(seconds) + " s";
}

std::size_t Ledger::waiting() const {
    return waiting_in(lanes_) + (limited_lane_ ? limited_lane_->waiting() : 0);
}

}  // namespace ledger
