// Hold, capture and release of a call's amount.
#include "telephony/thirdpartycall/call_charge.hpp"

#include "base/ids.hpp"
#include "ledger/hold_id.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <utility>

namespace thirdpartycall {
namespace {

using Posted = boost::asio::awaitable<ledger::Result<ledger::Receipt>>;

/// The pause before a posting that the ledger could not take is sent again, and how often that is done.
constexpr std::chrono::seconds retry_pause{2};
constexpr int retries_max = 900;

bool passing(ledger::Refusal refusal) {
    return refusal == ledger::Refusal::overloaded || refusal == ledger::Refusal::unavailable;
}

/// Of a hold that is not there any more: it expired while its server was down. The call was made all the
/// same.
Posted charge_without_hold(ledger::Ledger& ledger, const CallCharge& charge) {
    ledger::Account account = *charge.hold->account;
    account.epoch = 0;  // whatever addresses it has by now
    ledger::Charge request;
    request.account = std::make_shared<const ledger::Account>(std::move(account));
    request.origin = charge.origin;
    request.amount = charge.amount;
    request.balance_type = charge.hold->balance_type;
    co_return co_await ledger.charge(std::move(request));
}

Posted capture(ledger::Ledger& ledger, const CallCharge& charge) {
    ledger::Capture request;
    request.hold = charge.hold;
    request.origin = charge.origin;
    request.amount = charge.amount;
    const auto receipt = co_await ledger.capture(std::move(request));
    if (receipt || receipt.error() != ledger::Refusal::unknown_hold) co_return receipt;
    co_return co_await charge_without_hold(ledger, charge);
}

Posted post_end(ledger::Ledger& ledger, const CallCharge& charge, bool paid) {
    if (paid) {
        const auto receipt = co_await capture(ledger, charge);
        if (!receipt) co_return receipt;
    }
    ledger::Release release;
    release.hold = charge.hold;
    release.origin = charge.origin;
    co_return co_await ledger.release(std::move(release));
}

}  // namespace

boost::asio::awaitable<ledger::Result<CallCharge>> hold_charge(ledger::Ledger& ledger,
                                                               std::string application,
                                                               ledger::AccountPtr payer, Charging charging) {
    if (!charging.amount) co_return ledger::Refusal::not_positive;
    CallCharge charge;
    charge.origin.application = application;
    charge.origin.reference = "call-" + base::random_hex_id();
    charge.origin.description = std::move(charging.description);
    charge.origin.code = charging.code.value_or("");
    charge.amount = {*charging.amount, std::move(charging.currency)};
    ledger::Place place;
    place.account = payer;
    place.origin = charge.origin;
    place.amount = charge.amount;
    const auto receipt = co_await ledger.place(std::move(place));
    if (!receipt) co_return receipt.error();
    if (!receipt->hold) co_return ledger::Refusal::internal;
    ledger::HoldFacts facts{*receipt->hold, payer, std::move(application), {}};
    charge.hold = std::make_shared<const ledger::HoldFacts>(std::move(facts));
    co_return charge;
}

boost::asio::awaitable<bool> settle_charge(ledger::Ledger& ledger, base::Logger log,
                                           std::shared_ptr<const CallCharge> charge, bool paid) {
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    for (int attempt = 0; attempt < retries_max; ++attempt) {
        const auto receipt = co_await post_end(ledger, *charge, paid);
        // A hold that has ended gives nothing back any more.
        if (receipt || receipt.error() == ledger::Refusal::unknown_hold) co_return true;
        const auto why = receipt.error();
        log.warning(
            "a call's charge is not settled",
            {{"hold", to_string(charge->hold->id)}, {"charged", paid}, {"why", ledger::to_string(why)}});
        if (!passing(why)) co_return true;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
    co_return false;
}

}  // namespace thirdpartycall
