// The ledger as the rest of the program sees it: awaitable operations with exact outcomes.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/address.hpp"
#include "ledger/directory.hpp"
#include "ledger/lane.hpp"
#include "ledger/outcome.hpp"
#include "ledger/request.hpp"
#include "ledger/shards.hpp"
#include "ledger/statement.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

struct Options {
    std::size_t shards = 16;  ///< fixed when the database is made; checked at start
    /// Threads that post; the next one is used when those before have their fill waiting. What limited
    /// applications post has one of its own besides. 0: postings go one by one through the pool.
    std::size_t lanes = 2;
    LaneOptions lane;                       ///< of each lane
    NumberingPlan numbers;                  ///< of addresses that are numbers without `+`
    std::size_t address_cache = 1'000'000;  ///< addresses that a node remembers
    std::size_t hold_cache = 100'000;       ///< holds whose account a node remembers
    std::size_t reference_bytes_max = 255;  ///< longer references are refused
    std::int32_t period_days_max = 36'500;  ///< longer periods of credits are refused
    std::int32_t voucher_tries_max = 5;     ///< wrong vouchers that an account may try …
    std::chrono::milliseconds voucher_tries_window = std::chrono::minutes(15);  ///< … within so long
    std::size_t parameters_max = 32;         ///< more parameters of a volume are refused
    std::size_t text_bytes_max = 1024;       ///< longer descriptions, codes and balance types are refused
    std::size_t history_entries_max = 1000;  ///< a history has no more entries, whatever was asked for
};

/// Where a request of several legs keeps its key.
struct GroupKey {
    std::int16_t shard = 0;
    std::int64_t account = 0;
};

/// Which account an address as a client sent it leads to.
struct Located {
    std::string address;         ///< in normal form, as the directory has it
    Result<AccountPtr> account;  ///< unknown_account also where it may mean two accounts
};

/// One per node. Several nodes may share a database: what must exclude each other does so there.
class Ledger {
  public:
    /// Checks the database against the options and starts the lanes. `database` outlives the ledger.
    Ledger(Options options, base::Database& database, base::Logger log);
    ~Ledger();  ///< posts what waits

    /// The account that holds this address now. The address is in normal form, e.g. `tel:+15550001`.
    boost::asio::awaitable<Result<AccountPtr>> find(std::string address);
    /// The account that an address as a client sent it means: normalised, numbers completed (readings_of).
    boost::asio::awaitable<Located> locate(std::string text);
    /// Whether the caller may know of this account under this address.
    using MayKnow = std::function<bool(const Account&, const std::string&)>;
    /// For requests that may have been done before: as locate(), but an address that nobody has leads to the
    /// closed account that had it last. That refuses all that is new, and answers what is repeated as it did
    /// first. Where the caller may not know of it, it is no account's, like one that never was.
    boost::asio::awaitable<Located> locate_to_post(std::string text, MayKnow may_know);

    /// Takes an amount from a balance. The same key again gives the first receipt again.
    boost::asio::awaitable<Result<Receipt>> charge(Charge request);

    /// Gives back a charge, in whole or in part.
    boost::asio::awaitable<Result<Receipt>> refund(Refund request);

    /// Adds to a balance, which is made if its domain knows the type.
    boost::asio::awaitable<Result<Receipt>> credit(Credit request);

    /// Reserves an amount; the receipt names the hold.
    boost::asio::awaitable<Result<Receipt>> place(Place request);
    /// The hold with this id, open or not; unknown_hold otherwise.
    boost::asio::awaitable<Result<HoldPtr>> find_hold(HoldId id);
    /// What this hold reserved in all, in major units.
    boost::asio::awaitable<Result<Amount>> held_amount(HoldId id);
    boost::asio::awaitable<Result<Receipt>> extend(Extend request);
    boost::asio::awaitable<Result<Receipt>> capture(Capture request);
    boost::asio::awaitable<Result<Receipt>> release(Release request);

    // Where an amount is `by_code`, these and the splits below look the code's price up first.

    // Volumes, outside the lanes: rated and posted in one transaction, because what a capture costs follows
    // from the captures before it.
    boost::asio::awaitable<Result<Rated>> rate(RateVolume question);  ///< charges nothing
    boost::asio::awaitable<Result<Receipt>> charge_volume(ChargeVolume request);
    boost::asio::awaitable<Result<Receipt>> refund_volume(RefundVolume request);
    boost::asio::awaitable<Result<Receipt>> place_volume(PlaceVolume request);
    boost::asio::awaitable<Result<Receipt>> extend_volume(ExtendVolume request);
    boost::asio::awaitable<Result<Receipt>> capture_volume(CaptureVolume request);
    boost::asio::awaitable<Result<Receipt>> split_volume(SplitVolume request);

    /// Each voucher once, whoever comes first. Wrong ones are counted per account and soon refused unseen.
    boost::asio::awaitable<Result<Receipt>> redeem(Redeem request);

    // Rare work, outside the lanes: one transaction each, all or nothing.
    boost::asio::awaitable<Result<Receipt>> adjust(Adjust request);
    boost::asio::awaitable<Result<Receipt>> transfer(Transfer request);
    boost::asio::awaitable<Result<Receipt>> split(Split request);
    boost::asio::awaitable<Result<Receipt>> reverse(Reverse request);

    // Reads, outside the lanes. Refusals: stale_address, overloaded, unavailable.
    /// All balances, in the order in which they were made.
    boost::asio::awaitable<Result<std::vector<Balance>>> balances(AccountPtr account);
    /// Newest first; unknown_balance when the account has no such balance.
    boost::asio::awaitable<Result<std::vector<HistoryEntry>>> history(HistoryQuery query);

    /// What the application did to the account under this reference, in the order of time. Refusals:
    /// overloaded, unavailable.
    boost::asio::awaitable<Result<std::vector<KnownRequest>>> requests(AccountPtr account,
                                                                       std::string application,
                                                                       std::string reference);

    /// After Refusal::stale_address: the next find() looks it up again.
    void forget_address(std::string_view address) { directory_.forget(address); }
    /// When notifications may have been missed, or begin to come; then addresses are read ahead.
    void forget_all_addresses() { directory_.forget_all(); }
    /// Addresses whose account is remembered, for metrics.
    [[nodiscard]] std::size_t addresses() const { return directory_.size(); }
    /// The channel on which the database tells that an address moved; its payload is the address.
    static constexpr std::string_view address_channel = "ledger_address";

    /// When limits of applications may have changed.
    void forget_limits();
    /// The channel on which the database tells that they did.
    static constexpr std::string_view limits_channel = "ledger_limits";

    /// Longer references are refused.
    [[nodiscard]] std::size_t reference_bytes_max() const { return options_.reference_bytes_max; }
    /// Longer addresses, among others, are refused.
    [[nodiscard]] std::size_t text_bytes_max() const { return options_.text_bytes_max; }

    /// Where accounts live.
    [[nodiscard]] const Shards& shards() const { return shards_; }
    /// What keeps postings from being answered: a lane did not reach the database when it last tried, or
    /// waits for it longer than any statement may take. (A commit may: for a standby that is away.) Empty:
    /// nothing.
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] std::size_t waiting() const;  ///< postings in the lanes, for metrics

  private:
    using Work = std::function<base::sql::Rows(base::sql::Session&)>;
    /// Whether work waits for shards that others have: then it does not keep what only reads waiting.
    enum class Locks : std::uint8_t { none, shards };

    /// An application as this node remembers it.
    struct Known {
        std::int32_t id = 0;
        bool limited = false;  ///< its requests are counted in the transaction that posts them
    };
    /// Which request was posted, for counting.
    struct Counted {
        std::string operation;
        std::optional<std::int64_t> shard;  ///< absent: of a split, whose key the database places
        std::int64_t account = 0;
        std::int32_t application = 0;
        std::string reference;
        bool gives_back = false;
        bool of_call = false;
    };

    boost::asio::awaitable<Located> locate_closed(std::string text);
    boost::asio::awaitable<Result<Receipt>> post(Posting posting, Origin origin);
    boost::asio::awaitable<Result<Receipt>> post_alone(Posting posting, bool limited);
    [[nodiscard]] static Work running(std::string text, base::sql::Params params);
    [[nodiscard]] static Work counted(Work work, Counted request);
    boost::asio::awaitable<Result<Receipt>> post_on_hold(Posting posting, HoldPtr hold, Origin origin);
    boost::asio::awaitable<Result<Receipt>> credit_new_balance(Posting posting, bool limited);
    boost::asio::awaitable<Result<Receipt>> group(std::string_view operation, GroupKey key,
                                                  std::vector<Posting> legs);
    boost::asio::awaitable<Result<Receipt>> post_volume(Posting posting, Volume volume, Origin origin);
    boost::asio::awaitable<Result<Receipt>> post_volume_on_hold(Posting posting, HoldPtr hold,
                                                                std::int64_t volume, Origin origin);
    boost::asio::awaitable<std::optional<Refusal>> in_major_units(Posting& posting,
                                                                  std::string_view operation);
    boost::asio::awaitable<std::optional<Refusal>> price(Posting& posting, std::string_view operation);
    boost::asio::awaitable<Result<base::sql::Rows>> run_work(Work work, Locks locks = Locks::shards);
    /// One row (outcome, request_id, journal_no, …) as a result.
    [[nodiscard]] static Result<Receipt> receipt_of(const base::sql::Rows& rows);
    boost::asio::awaitable<Result<Receipt>> run_group(Work work);
    boost::asio::awaitable<Result<Receipt>> run_split(Work work, Known application, std::string reference);
    void remember(HoldFacts facts);
    boost::asio::awaitable<Result<base::sql::Rows>> read(std::string statement, base::sql::Params parameters);
    [[nodiscard]] std::optional<Refusal> prepare(Posting& posting, Origin& origin) const;
    [[nodiscard]] std::optional<Refusal> unfit(const Posting& posting) const;
    boost::asio::awaitable<Result<Known>> known(std::string name);
    Lane& lane_of(std::int16_t shard);
    std::size_t lanes_awake();

    Options options_;
    base::Database& database_;
    base::Logger log_;
    Shards shards_;
    Directory directory_;
    std::mutex mutex_;                      // of the two caches below
    std::uint64_t applications_epoch_ = 0;  // of forget_limits(): what was read before is not remembered
    base::GenerationCache<Known> applications_;
    base::GenerationCache<HoldPtr> holds_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::atomic<std::size_t> awake_ = 1;  // of them, the first ones
    std::unique_ptr<Lane> limited_lane_;  // of limited applications
};

}  // namespace ledger
