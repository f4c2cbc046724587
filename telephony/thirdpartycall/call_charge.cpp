// Hold, capture and release of a call's amount.
#include "telephony/thirdpartycall/call_charge.hpp"

#include "base/ids.hpp"
#include "ledger/hold_id.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

namespace thirdpartycall {
namespace {

/// The pause before a posting that the ledger could not take is sent again, and how often that is done.
constexpr std::chrono::seconds retry_pause{2};
constexpr int retries_max = 900;

struct Held {
    ledger::Ledger& ledger;
    base::Logger log;
    ledger::HoldPtr hold;
    ledger::Origin origin;
    ledger::Amount amount;
};

boost::asio::awaitable<ledger::Result<ledger::Receipt>> post_end(const Held& held, bool paid) {
    if (paid) {
        ledger::Capture capture;
        capture.hold = held.hold;
        capture.origin = held.origin;
        capture.amount = held.amount;
        const auto receipt = co_await held.ledger.capture(std::move(capture));
        if (!receipt) co_return receipt;
    }
    ledger::Release release;
    release.hold = held.hold;
    release.origin = held.origin;
    co_return co_await held.ledger.release(std::move(release));
}

/// The same key each time: an attempt that was posted although its answer was lost is not posted again.
boost::asio::awaitable<void> settle(std::shared_ptr<const Held> held, bool paid) {
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    for (int attempt = 0; attempt < retries_max; ++attempt) {
        const auto receipt = co_await post_end(*held, paid);
        if (receipt) co_return;
        const auto why = receipt.error();
        held->log.warning(
            "a call's charge is not settled",
            {{"hold", to_string(held->hold->id)}, {"charged", paid}, {"why", ledger::to_string(why)}});
        if (why != ledger::Refusal::overloaded && why != ledger::Refusal::unavailable) co_return;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
}

}  // namespace

boost::asio::awaitable<ledger::Result<HeldCharge>> hold_charge(ledger::Ledger& ledger,
                                                               boost::asio::any_io_executor executor,
                                                               base::Logger log, std::string application,
                                                               ledger::AccountPtr payer, Charging charging) {
    if (!charging.amount) co_return ledger::Refusal::not_positive;
    ledger::Place place;
    place.account = payer;
    place.origin.application = application;
    place.origin.reference = "call-" + base::random_hex_id();
    place.origin.description = std::move(charging.description);
    place.origin.code = charging.code.value_or("");
    place.amount = {*charging.amount, std::move(charging.currency)};
    const auto origin = place.origin;
    const auto amount = place.amount;
    const auto receipt = co_await ledger.place(std::move(place));
    if (!receipt) co_return receipt.error();
    if (!receipt->hold) co_return ledger::Refusal::internal;
    ledger::HoldFacts facts{*receipt->hold, payer, std::move(application), {}};
    auto hold = std::make_shared<const ledger::HoldFacts>(std::move(facts));
    std::shared_ptr<const Held> held(new Held{ledger, std::move(log), std::move(hold), origin, amount});
    HeldCharge end;
    end.hold = to_string(held->hold->id);
    end.settle = [held, executor](bool paid) {
        boost::asio::co_spawn(executor, settle(held, paid), boost::asio::detached);
    };
    co_return end;
}

}  // namespace thirdpartycall
