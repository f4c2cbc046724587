// The ledger as the rest of the program sees it: awaitable operations with exact outcomes.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "ledger/directory.hpp"
#include "ledger/lane.hpp"
#include "ledger/outcome.hpp"
#include "ledger/request.hpp"
#include "ledger/shards.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

struct Options {
    std::size_t shards = 16;                ///< fixed when the database is made; checked at start
    std::size_t lanes = 2;                  ///< threads that post; an account always uses the same one
    LaneOptions lane;                       ///< of each lane
    std::size_t address_cache = 200'000;    ///< addresses that a node remembers
    std::size_t reference_bytes_max = 255;  ///< longer references are refused
    std::size_t text_bytes_max = 1024;      ///< longer descriptions, codes and balance types are refused
};

/// One per node. Several nodes may share a database: what must exclude each other does so there.
class Ledger {
  public:
    /// Checks the database against the options and starts the lanes. `database` outlives the ledger.
    Ledger(Options options, base::Database& database, base::Logger log);
    ~Ledger();  ///< posts what waits

    /// The account that holds this address now. The address is in normal form, e.g. `tel:+15550001`.
    boost::asio::awaitable<Result<AccountPtr>> find(std::string address);

    /// Takes an amount from a balance. The same key again gives the first receipt again.
    boost::asio::awaitable<Result<Receipt>> charge(Charge request);

    /// Gives back a charge, in whole or in part.
    boost::asio::awaitable<Result<Receipt>> refund(Refund request);

    /// After Refusal::stale_address: the next find() looks it up again.
    void forget_address(std::string_view address) { directory_.forget(address); }
    /// When notifications may have been missed.
    void forget_all_addresses() { directory_.forget_all(); }
    /// The channel on which the database tells that an address moved; its payload is the address.
    static constexpr std::string_view address_channel = "ledger_address";

    [[nodiscard]] bool ready() const;           ///< every lane reached the database when it last tried
    [[nodiscard]] std::size_t waiting() const;  ///< postings in the lanes, for metrics

  private:
    boost::asio::awaitable<Result<Receipt>> post(Posting posting, Origin origin);
    [[nodiscard]] std::optional<Refusal> unfit(const Posting& posting) const;
    boost::asio::awaitable<std::int32_t> application_id(std::string name);
    Lane& lane_of(std::int16_t shard);

    Options options_;
    base::Database& database_;
    base::Logger log_;
    Shards shards_;
    Directory directory_;
    std::mutex applications_mutex_;
    GenerationCache<std::int32_t> applications_;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace ledger
