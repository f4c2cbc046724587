// What a call costs: held before the first party is called, charged when two are connected (or, by time, when
// they have ended), given back when the call fails.
#pragma once

#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/applications/common_types.hpp"
#include "telephony/calls/records.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace calls {

/// A hold and the keys of what is posted on it.
struct CallCharge {
    ledger::HoldPtr hold;
    ledger::Origin origin;
    ledger::Amount amount;     ///< what the call costs; says nothing of one that is paid by time
    std::int64_t seconds = 0;  ///< by time: held for so many
    std::int64_t extensions = 0;

    [[nodiscard]] bool by_time() const { return hold->of_volume; }
};

/// What a caller is answered whose call's amount could not be held.
[[nodiscard]] int refusal_status(ledger::Refusal refusal);

/// Holds what the call costs on the payer's account: an amount, in minor units or not; or, of a code without
/// one, its price; or, of a code without a price, what a tariff says that `slice` costs.
[[nodiscard]] boost::asio::awaitable<ledger::Result<CallCharge>> hold_charge(
    ledger::Ledger& ledger, std::string application, ledger::AccountPtr payer,
    applications::Charging charging, bool minor, std::chrono::seconds slice);

/// Holds for one slice more. Tries again when the ledger is away, for `patience` at most. False: it is not
/// held.
[[nodiscard]] boost::asio::awaitable<bool> extend_charge(ledger::Ledger& ledger, base::Logger log,
                                                         std::shared_ptr<CallCharge> charge,
                                                         std::chrono::seconds slice,
                                                         std::chrono::milliseconds patience);

/// What became of the end of a charge.
enum class Settled : std::uint8_t {
    posted,   ///< and where there was nothing left to give back
    refused,  ///< for ever: the hold was gone, and the payer has spent what it held, or has no account any
              ///< more
    open,     ///< the ledger was away for too long, or failed by a defect: the server's next start settles it
};

/// Charges all of it (`paid`; by time: `seconds`, at most what is held for), or gives it back. Repeats the
/// posting until the ledger has it, with the same keys each time, so that one that was posted although its
/// answer was lost is not posted again.
[[nodiscard]] boost::asio::awaitable<Settled> settle_charge(ledger::Ledger& ledger, base::Logger log,
                                                            std::shared_ptr<const CallCharge> charge,
                                                            bool paid, std::int64_t seconds);

/// settle_charge, started on this executor; `done` is called there when it is posted or refused, and not when
/// it is still to be done.
void start_settling(const boost::asio::any_io_executor& executor, ledger::Ledger& ledger, base::Logger log,
                    std::shared_ptr<const CallCharge> charge, bool paid, std::int64_t seconds,
                    std::function<void(Settled how)> done);

/// extend_charge, started on this executor; `granted` is called there with all that is held for, and not when
/// no more could be held.
void start_extending(const boost::asio::any_io_executor& executor, ledger::Ledger& ledger, base::Logger log,
                     std::shared_ptr<CallCharge> charge, std::chrono::seconds slice,
                     std::chrono::milliseconds patience, std::function<void(std::chrono::seconds)> granted);

/// What a call's record says of its charge.
void record_charge(RecordFacts& record, const CallCharge& charge);

}  // namespace calls
