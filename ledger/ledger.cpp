// The ledger's operations: from a request to a posting on its lane.
#include "ledger/ledger.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace ledger {
namespace {

/// Application names are few; this only bounds what a flood of new ones could take.
constexpr std::size_t application_cache = 10'000;

}  // namespace

Ledger::Ledger(Options options, base::Database& database, base::Logger log)
    : options_(std::move(options)),
      database_(database),
      log_(std::move(log)),
      shards_(database_.run_blocking(
          [&](base::sql::Session& session) { return Shards(session, options_.shards); })),
      directory_(database_, options_.address_cache),
      applications_(application_cache) {
    for (std::size_t i = 0; i < options_.lanes; ++i) {
        lanes_.push_back(std::make_unique<Lane>(options_.lane, log_));
    }
}

Ledger::~Ledger() = default;

asio::awaitable<Result<AccountPtr>> Ledger::find(std::string address) {
    // Text that PostgreSQL cannot store is no address.
    if (address.size() > options_.text_bytes_max || !base::is_storable_text(address)) {
        co_return Refusal::unknown_account;
    }
    co_return co_await directory_.find(std::move(address));
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

/// What every operation does: normalise, check what PostgreSQL could not store, hand to the lane.
asio::awaitable<Result<Receipt>> Ledger::post(Posting posting, Origin origin) {
    posting.reference = std::move(origin.reference);
    posting.description = std::move(origin.description);
    posting.code = std::move(origin.code);
    if (posting.balance_type && posting.balance_type->empty()) posting.balance_type.reset();
    if (posting.amount.unit && posting.amount.unit->empty()) posting.amount.unit.reset();
    if (const auto refusal = unfit(posting)) co_return *refusal;
    posting.digest = digest_of(posting);
    // No co_await in a catch clause, and none that may throw past the caller, who gets outcomes only.
    try {
        posting.application = co_await application_id(std::move(origin.application));
    } catch (const base::DatabaseBusy&) {
        co_return Refusal::overloaded;
    } catch (const std::exception& error) {
        log_.error("an application's number can't be had", {{"error", error.what()}});
        co_return Refusal::unavailable;
    }
    auto& lane = lane_of(posting.account->shard);
    co_return co_await lane.post(std::move(posting));
}

std::optional<Refusal> Ledger::unfit(const Posting& posting) const {
    const auto reference_fits = [this](const std::string& text) {
        return !text.empty() && text.size() <= options_.reference_bytes_max && base::is_storable_text(text);
    };
    const auto text_fits = [this](const std::string& text) {
        return text.size() <= options_.text_bytes_max && base::is_storable_text(text);
    };
    if (!reference_fits(posting.reference)) return Refusal::invalid_reference;
    if (posting.original_reference && !reference_fits(*posting.original_reference))
        return Refusal::unknown_charge;
    if (posting.balance_type && !text_fits(*posting.balance_type)) return Refusal::unknown_balance;
    if (posting.amount.unit && !text_fits(*posting.amount.unit)) return Refusal::wrong_unit;
    if (!text_fits(posting.description) || !text_fits(posting.code)) return Refusal::invalid_text;
    return std::nullopt;
}

asio::awaitable<std::int32_t> Ledger::application_id(std::string name) {
    {
        const std::lock_guard lock(applications_mutex_);
        if (const auto* found = applications_.find(name)) co_return *found;
    }
    const auto id = co_await database_.run([name](base::sql::Session& session) {
        const auto rows = session.exec("select ledger.application_id($1)", base::sql::params(name));
        return static_cast<std::int32_t>(rows.integer(0, 0));
    });
    const std::lock_guard lock(applications_mutex_);
    applications_.put(std::move(name), id);
    co_return id;
}

Lane& Ledger::lane_of(std::int16_t shard) {
    // By slot, not by value: the values are chosen for spreading over nodes, not over lanes.
    const auto& all = shards_.all();
    const auto slot = std::ranges::find(all, shard) - all.begin();
    return *lanes_[static_cast<std::size_t>(slot) % lanes_.size()];
}

bool Ledger::ready() const {
    return std::ranges::all_of(lanes_, [](const auto& lane) { return lane->connected(); });
}

std::size_t Ledger::waiting() const {
    std::size_t sum = 0;
    for (const auto& lane : lanes_) sum += lane->waiting();
    return sum;
}

}  // namespace ledger
