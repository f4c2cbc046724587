// Hold, capture and release of a call's amount.
#include "telephony/calls/call_charge.hpp"

#include "base/ids.hpp"
#include "ledger/hold_id.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <utility>

namespace calls {
namespace {

using Posted = boost::asio::awaitable<ledger::Result<ledger::Receipt>>;

/// The pause before a posting that the ledger could not take is sent again, and how often that is done.
constexpr std::chrono::seconds retry_pause{2};
constexpr int retries_max = 900;
/// Of these, the log names the first one and then one a minute: many calls may wait for one ledger.
constexpr int retries_silent = 30;

bool passing(ledger::Refusal refusal) {
    return refusal == ledger::Refusal::overloaded || refusal == ledger::Refusal::unavailable;
}

/// What the ledger throws is as if it were away: the posting is sent again with the same key.
Posted sent(Posted posting, base::Logger log) {
    try {
        co_return co_await std::move(posting);
    } catch (const std::exception& error) {
        log.error("a posting of a call's charge failed", {{"error", error.what()}});
    }
    co_return ledger::Refusal::unavailable;
}

/// A hold names its account, whatever addresses that has by now.
ledger::AccountPtr account_of(const CallCharge& charge) {
    ledger::Account account = *charge.hold->account;
    account.epoch = 0;
    return std::make_shared<const ledger::Account>(std::move(account));
}

/// Tariffs of calls: they count seconds, and are found by the code as their service.
ledger::Volume volume_of(std::int64_t seconds, const std::string& code) {
    ledger::Volume volume;
    volume.value = seconds;
    volume.parameters = {{"unit", "seconds"}, {"service", code}};
    return volume;
}

/// Of a hold that is not there any more: it expired while its server was down. The call was made all the
/// same.
Posted charge_without_hold(ledger::Ledger& ledger, const CallCharge& charge, std::int64_t seconds) {
    if (charge.by_time()) {
        ledger::ChargeVolume request;
        request.account = account_of(charge);
        request.origin = charge.origin;
        request.volume = volume_of(seconds, charge.origin.code);
        request.balance_type = charge.hold->balance_type;
        co_return co_await ledger.charge_volume(std::move(request));
    }
    ledger::Charge request;
    request.account = account_of(charge);
    request.origin = charge.origin;
    request.amount = charge.amount;
    request.balance_type = charge.hold->balance_type;
    co_return co_await ledger.charge(std::move(request));
}

Posted capture_hold(ledger::Ledger& ledger, const CallCharge& charge, std::int64_t seconds) {
    if (charge.by_time()) {
        ledger::CaptureVolume request;
        request.hold = charge.hold;
        request.origin = charge.origin;
        request.volume = seconds;
        co_return co_await ledger.capture_volume(std::move(request));
    }
    ledger::Capture request;
    request.hold = charge.hold;
    request.origin = charge.origin;
    request.amount = charge.amount;
    co_return co_await ledger.capture(std::move(request));
}

Posted post_end(ledger::Ledger& ledger, const CallCharge& charge, bool paid, std::int64_t seconds) {
    if (paid) {
        const auto billed = std::min(seconds, charge.seconds);
        auto receipt = co_await capture_hold(ledger, charge, billed);
        if (!receipt && receipt.error() == ledger::Refusal::unknown_hold)
            receipt = co_await charge_without_hold(ledger, charge, billed);
        if (!receipt) co_return receipt;
    }
    ledger::Release release;
    release.hold = charge.hold;
    release.origin = charge.origin;
    co_return co_await ledger.release(std::move(release));
}

ledger::HoldPtr hold_of(const ledger::Receipt& receipt, ledger::AccountPtr payer, std::string application,
                        bool by_time) {
    ledger::HoldFacts facts{*receipt.hold, std::move(payer), std::move(application), {}, by_time};
    return std::make_shared<const ledger::HoldFacts>(std::move(facts));
}

using Held = boost::asio::awaitable<ledger::Result<CallCharge>>;

Held hold_amount(ledger::Ledger& ledger, ledger::AccountPtr payer, CallCharge charge) {
    ledger::Place place;
    place.account = payer;
    place.origin = charge.origin;
    place.amount = charge.amount;
    const auto receipt = co_await ledger.place(std::move(place));
    if (!receipt) co_return receipt.error();
    if (!receipt->hold) co_return ledger::Refusal::internal;
    charge.hold = hold_of(*receipt, std::move(payer), charge.origin.application, false);
    if (!charge.amount.by_code && !charge.amount.minor) co_return charge;
    // The price may change before the call is connected: what is held is what it costs. And records have
    // major units.
    const auto amount = co_await ledger.held_amount(charge.hold->id);
    if (!amount) co_return amount.error();
    charge.amount = *amount;
    co_return charge;
}

Held hold_slice(ledger::Ledger& ledger, ledger::AccountPtr payer, CallCharge charge,
                std::chrono::seconds slice) {
    charge.seconds = slice.count();
    if (charge.amount.unit) {
        ledger::RateVolume question;
        question.account = payer;
        question.application = charge.origin.application;
        question.volume = volume_of(charge.seconds, charge.origin.code);
        const auto rated = co_await ledger.rate(std::move(question));
        if (!rated) co_return rated.error();
        if (rated->unit != *charge.amount.unit) co_return ledger::Refusal::wrong_unit;
    }
    ledger::PlaceVolume place;
    place.account = payer;
    place.origin = charge.origin;
    place.volume = volume_of(charge.seconds, charge.origin.code);
    const auto receipt = co_await ledger.place_volume(std::move(place));
    if (!receipt) co_return receipt.error();
    if (!receipt->hold) co_return ledger::Refusal::internal;
    charge.hold = hold_of(*receipt, std::move(payer), charge.origin.application, true);
    co_return charge;
}

}  // namespace

int refusal_status(ledger::Refusal refusal) {
    switch (refusal) {
        case ledger::Refusal::insufficient_funds:
            return 402;
        case ledger::Refusal::overloaded:
        case ledger::Refusal::unavailable:
            return 503;
        default:
            return 403;
    }
}

boost::asio::awaitable<ledger::Result<CallCharge>> hold_charge(ledger::Ledger& ledger,
                                                               std::string application,
                                                               ledger::AccountPtr payer,
                                                               applications::Charging charging, bool minor,
                                                               std::chrono::seconds slice) {
    CallCharge charge;
    charge.origin.application = std::move(application);
    charge.origin.reference = "call-" + base::random_hex_id();
    charge.origin.description = std::move(charging.description);
    charge.origin.code = charging.code.value_or("");
    charge.origin.of_call = true;
    charge.amount.unit = std::move(charging.currency);
    if (charge.amount.unit && charge.amount.unit->empty()) charge.amount.unit.reset();
    if (charging.amount) {
        charge.amount.value = *charging.amount;
        charge.amount.minor = minor;
        co_return co_await hold_amount(ledger, std::move(payer), std::move(charge));
    }
    if (charge.origin.code.empty()) co_return ledger::Refusal::not_positive;
    auto priced = charge;
    priced.amount.by_code = true;
    auto held = co_await hold_amount(ledger, payer, std::move(priced));
    if (held || held.error() != ledger::Refusal::unknown_price) co_return held;
    co_return co_await hold_slice(ledger, std::move(payer), std::move(charge), slice);
}

boost::asio::awaitable<bool> extend_charge(ledger::Ledger& ledger, base::Logger log,
                                           std::shared_ptr<CallCharge> charge, std::chrono::seconds slice,
                                           std::chrono::milliseconds patience) {
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    const auto until = std::chrono::steady_clock::now() + patience;
    ledger::ExtendVolume request;
    request.hold = charge->hold;
    request.origin = charge->origin;
    request.origin.reference += '/' + std::to_string(++charge->extensions);
    request.volume = slice.count();
    for (;;) {
        auto attempt = request;
        const auto receipt = co_await sent(ledger.extend_volume(std::move(attempt)), log);
        if (receipt) {
            charge->seconds += slice.count();
            co_return true;
        }
        log.info("a call gets no more time",
                 {{"hold", to_string(charge->hold->id)}, {"why", ledger::to_string(receipt.error())}});
        if (!passing(receipt.error()) || std::chrono::steady_clock::now() + retry_pause > until)
            co_return false;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
}

boost::asio::awaitable<Settled> settle_charge(ledger::Ledger& ledger, base::Logger log,
                                              std::shared_ptr<const CallCharge> charge, bool paid,
                                              std::int64_t seconds) {
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    for (int attempt = 0; attempt < retries_max; ++attempt) {
        const auto receipt = co_await sent(post_end(ledger, *charge, paid, seconds), log);
        // A hold that has ended gives nothing back any more.
        if (receipt || receipt.error() == ledger::Refusal::unknown_hold) co_return Settled::posted;
        const auto why = receipt.error();
        if (attempt % retries_silent == 0 || !passing(why))
            log.warning(
                "a call's charge is not settled",
                {{"hold", to_string(charge->hold->id)}, {"charged", paid}, {"why", ledger::to_string(why)}});
        if (why == ledger::Refusal::internal) break;
        if (!passing(why)) co_return Settled::refused;
        pause.expires_after(retry_pause);
        co_await pause.async_wait(boost::asio::use_awaitable);
    }
    co_return Settled::open;
}

void start_settling(const boost::asio::any_io_executor& executor, ledger::Ledger& ledger, base::Logger log,
                    std::shared_ptr<const CallCharge> charge, bool paid, std::int64_t seconds,
                    std::function<void(Settled)> done) {
    boost::asio::co_spawn(executor, settle_charge(ledger, std::move(log), std::move(charge), paid, seconds),
                          [done = std::move(done)](const std::exception_ptr& error, Settled how) {
                              if (!error && how != Settled::open) done(how);
                          });
}

void start_extending(const boost::asio::any_io_executor& executor, ledger::Ledger& ledger, base::Logger log,
                     std::shared_ptr<CallCharge> charge, std::chrono::seconds slice,
                     std::chrono::milliseconds patience, std::function<void(std::chrono::seconds)> granted) {
    boost::asio::co_spawn(executor, extend_charge(ledger, std::move(log), charge, slice, patience),
                          [charge, granted = std::move(granted)](const std::exception_ptr& error, bool held) {
                              if (!error && held) granted(std::chrono::seconds(charge->seconds));
                          });
}

void record_charge(RecordFacts& record, const CallCharge& charge) {
    record.hold = to_string(charge.hold->id);
    if (!charge.by_time()) record.amount = charge.amount.value.text();
    record.unit = charge.amount.unit.value_or("");
    record.reference = charge.origin.reference;
    record.description = charge.origin.description;
    record.code = charge.origin.code;
}

}  // namespace calls
