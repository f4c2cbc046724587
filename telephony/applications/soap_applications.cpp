// Who is asked and told when, and what is made of what comes back.
#include "telephony/applications/soap_applications.hpp"

#include "telephony/applications/translation.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace applications {
namespace asio = boost::asio;
namespace {

std::chrono::milliseconds until(std::chrono::steady_clock::time_point time) {
    return std::chrono::ceil<std::chrono::milliseconds>(time - std::chrono::steady_clock::now());
}

}  // namespace

SoapApplications::SoapApplications(Options options, Storage& storage, frontend::SoapClient& client,
                                   Heard heard, asio::any_io_executor executor, base::Logger log)
    : options_(std::move(options)),
      client_(client),
      heard_(std::move(heard)),
      executor_(std::move(executor)),
      log_(std::move(log)),
      known_(
          options_.cache, storage, [this](asio::awaitable<void> work) { spawn(std::move(work)); }, log_),
      stop_timer_(executor_) {}

/// Runs it so that stop() can end it.
void SoapApplications::spawn(asio::awaitable<void> work) {
    const auto at = running_.emplace(running_.end());
    const auto ended = [this, at](const std::exception_ptr&) {
        asio::post(executor_, [this, at] {
            running_.erase(at);
            if (stopping_ && running_.empty()) stop_timer_.cancel();
        });
    };
    asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(at->slot(), ended));
}

SoapApplications::EndpointPtr SoapApplications::endpoint_of(const std::string& url) {
    if (endpoints_.size() >= options_.endpoints_max)
        std::erase_if(endpoints_, [this](const auto& each) {
            const bool idle = each.second->idle();
            if (idle && each.second->breaker.is_open()) metrics_.set_open(--open_);
            return idle;
        });
    auto& endpoint = endpoints_[url];
    if (!endpoint) endpoint = std::make_shared<Endpoint>(url, options_.breaker, options_.lanes);
    return endpoint;
}

void SoapApplications::forget_if_idle(const EndpointPtr& endpoint) {
    if (endpoint->idle() && endpoint->breaker.is_fresh()) endpoints_.erase(endpoint->url);
}

void SoapApplications::note_success(Endpoint& endpoint) {
    if (endpoint.breaker.is_open()) {
        log_.info("an application answers again", {{"endpoint", loggable_endpoint(endpoint.url)}});
        metrics_.set_open(--open_);
    }
    endpoint.breaker.succeeded();
}

void SoapApplications::note_failure(Endpoint& endpoint, const frontend::Undelivered& failure) {
    // That it may not be called is not its failure, and is refused without waiting.
    if (failure.not_allowed) return endpoint.breaker.given_up();
    if (!endpoint.breaker.failed(Clock::now())) return;
    metrics_.set_open(++open_);
    log_.warning("an application fails and is left alone for a while",
                 {{"endpoint", loggable_endpoint(endpoint.url)}, {"reason", failure.reason}});
}

// Asking ---------------------------------------------------------------------------------------------------

void SoapApplications::ask(Question question, std::function<void(Directive)> done) {
    const auto now = Clock::now();
    const auto asked = std::make_shared<Asked>(
        Asked{std::move(question), std::move(done), now, asio::steady_timer(executor_)});
    asked->timer.expires_at(now + options_.ask_timeout);
    asked->timer.async_wait([this, asked](const boost::system::error_code& ended) {
        if (!ended) finish(asked, {}, AskResult::slow, "no answer in time");
    });
    asio::post(executor_, [this, asked] {
        known_.find(asked->question.notification,
                    [this, asked](const NotificationPtr& found) { question_known(asked, found); });
    });
}

void SoapApplications::question_known(const AskedPtr& asked, const NotificationPtr& notification) {
    if (!asked->done) return;
    if (!notification) return finish(asked, {}, AskResult::unknown, "no such notification");
    asked->notification = notification;
    const auto endpoint = endpoint_of(notification->endpoint);
    if (endpoint->asks >= options_.asks_per_endpoint)
        return finish(asked, {}, AskResult::skipped, "too many questions at once");
    if (!endpoint->breaker.admits(Clock::now()))
        return finish(asked, {}, AskResult::skipped, "it failed too often lately");
    ++endpoint->asks;
    heard_(asked->question.session, notification->login);
    spawn(put(asked, endpoint));
}

asio::awaitable<void> SoapApplications::put(AskedPtr asked, EndpointPtr endpoint) {
    std::optional<Directive> directive;
    auto result = AskResult::nonsense;
    std::string reason = "it has no operation for this event";
    auto call = call_of(*asked->notification, asked->question);
    if (call) {
        call->timeout = std::max(until(asked->timer.expiry()), std::chrono::milliseconds(1));
        auto answer = co_await client_.call(std::move(*call));
        if (const auto* failure = std::get_if<frontend::Undelivered>(&answer)) {
            note_failure(*endpoint, *failure);
            result = AskResult::failed;
            reason = failure->reason;
        } else if (const auto* fault = std::get_if<soap::Fault>(&answer)) {
            note_success(*endpoint);
            result = AskResult::failed;
            reason = "fault: " + fault->log_text();
        } else {
            note_success(*endpoint);
            auto& action = std::get<soap::Message>(answer).as<ActionResult>().result;
            directive = directive_of(*asked->notification, std::move(action), options_.fork_addresses_max);
            if (directive && directive->toll && options_.counts_minor)
                directive->toll->minor = options_.counts_minor(asked->notification->login);
            reason = directive ? "" : "its action can't be done";
            if (directive) result = AskResult::answered;
        }
    } else {
        endpoint->breaker.given_up();
    }
    --endpoint->asks;
    forget_if_idle(endpoint);
    finish(asked, std::move(directive).value_or(Directive{}), result, reason);
}

void SoapApplications::finish(const AskedPtr& asked, Directive directive, AskResult result,
                              std::string_view reason) {
    const auto done = std::exchange(asked->done, nullptr);
    if (!done) return;
    asked->timer.cancel();
    const auto time = Clock::now() - asked->since;
    metrics_.count(result, time);
    // While it is left alone, what led to that was logged.
    const bool usual = result == AskResult::answered || result == AskResult::skipped;
    const auto write = usual ? &base::Logger::debug : &base::Logger::warning;
    if (!usual || log_.enabled(base::LogLevel::debug)) {
        const auto* notification = asked->notification.get();
        (log_.*write)("asked an application about a call",
                      {{"notification", asked->question.notification},
                       {"correlator", notification != nullptr ? notification->correlator : std::string()},
                       {"endpoint",
                        notification != nullptr ? loggable_endpoint(notification->endpoint) : std::string()},
                       {"event", to_string(asked->question.event)},
                       {"call", asked->question.session},
                       {"result", to_string(result)},
                       {"reason", reason},
                       {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(time).count()}});
    }
    if (!stopping_) done(std::move(directive));
}

// Telling --------------------------------------------------------------------------------------------------

void SoapApplications::set_waiting(std::size_t waiting) {
    waiting_ = waiting;
    metrics_.set_waiting(waiting);
}

void SoapApplications::tell(Question question) {
    if (stopping_ || waiting_ >= options_.tells_max) {
        metrics_.count(TellResult::skipped);
        return;
    }
    set_waiting(waiting_ + 1);
    const auto expiry = Clock::now() + options_.tell_for;
    const auto id = question.notification;
    known_.find(id, [this, question = std::move(question), expiry](const NotificationPtr& found) {
        tell_known(Told{question, found, expiry});
    });
}

void SoapApplications::tell_known(Told told) {
    if (!told.notification) return finish(told.question, nullptr, TellResult::unknown);
    const auto endpoint = endpoint_of(told.notification->endpoint);
    if (endpoint->tells >= options_.tells_per_endpoint)
        return finish(told.question, told.notification.get(), TellResult::skipped, "too many wait");
    ++endpoint->tells;
    heard_(told.question.session, told.notification->login);
    // What happened to one call is told in the order in which it happened.
    const auto number = std::hash<std::string>()(told.question.session) % endpoint->lanes.size();
    auto& lane = endpoint->lanes[number];
    lane.queue.push_back(std::move(told));
    if (std::exchange(lane.running, true)) return;
    spawn(run(endpoint, number));
}

asio::awaitable<void> SoapApplications::run(EndpointPtr endpoint, std::size_t number) {
    auto& lane = endpoint->lanes[number];
    auto pause_time = options_.tell_pause;
    while (!lane.queue.empty()) {
        const auto now = Clock::now();
        const auto told = lane.queue.front();
        const bool last = stopping_;  // whatever comes of it
        bool over = now >= told.until;
        if (over) {
            finish(told.question, told.notification.get(), TellResult::lost, "it took too long");
        } else if (endpoint->breaker.admits(now)) {
            over = co_await deliver(endpoint, told);
            if (over) pause_time = options_.tell_pause;
        }
        if (!over && last) {
            finish(told.question, told.notification.get(), TellResult::lost, "this server stops");
            over = true;
        }
        if (over) {
            lane.queue.pop_front();
            --endpoint->tells;
            continue;
        }
        if (stopping_) continue;
        const auto again =
            std::max(Clock::now() + pause_time,
                     endpoint->breaker.is_open() ? endpoint->breaker.open_until() : Clock::time_point::min());
        co_await pause(endpoint, number, std::min(again, told.until));
        pause_time = std::min(pause_time * 2, options_.tell_pause_max);
    }
    lane.running = false;
    forget_if_idle(endpoint);
}

/// True: there is nothing more to be done about it.
asio::awaitable<bool> SoapApplications::deliver(EndpointPtr endpoint, Told told) {
    auto call = call_of(*told.notification, told.question);
    if (!call) {
        endpoint->breaker.given_up();
        finish(told.question, told.notification.get(), TellResult::refused,
               "it has no operation for this event");
        co_return true;
    }
    call->timeout = options_.tell_timeout;
    const auto answer = co_await client_.call(std::move(*call));
    if (const auto* failure = std::get_if<frontend::Undelivered>(&answer)) {
        note_failure(*endpoint, *failure);
        if (!failure->not_allowed) co_return false;
        finish(told.question, told.notification.get(), TellResult::lost, failure->reason);
        co_return true;
    }
    note_success(*endpoint);
    if (const auto* fault = std::get_if<soap::Fault>(&answer))
        finish(told.question, told.notification.get(), TellResult::refused, "fault: " + fault->log_text());
    else
        finish(told.question, told.notification.get(), TellResult::delivered);
    co_return true;
}

asio::awaitable<void> SoapApplications::pause(EndpointPtr endpoint, std::size_t number,
                                              Clock::time_point time) {
    auto& lane = endpoint->lanes[number];
    lane.timer.emplace(executor_, time);
    co_await lane.timer->async_wait(asio::as_tuple(asio::use_awaitable));
    lane.timer.reset();
}

void SoapApplications::finish(const Question& question, const Notification* notification, TellResult result,
                              std::string_view reason) {
    set_waiting(waiting_ - 1);
    metrics_.count(result);
    const bool failed = result != TellResult::delivered;
    if (!failed && !log_.enabled(base::LogLevel::debug)) return;
    const auto write = failed ? &base::Logger::warning : &base::Logger::debug;
    (log_.*write)(
        failed ? "an application was not told about a call" : "told an application about a call",
        {{"notification", question.notification},
         {"correlator", notification != nullptr ? notification->correlator : std::string()},
         {"endpoint", notification != nullptr ? loggable_endpoint(notification->endpoint) : std::string()},
         {"event", to_string(question.event)},
         {"call", question.session},
         {"result", to_string(result)},
         {"reason", reason}});
}

// Stopping -------------------------------------------------------------------------------------------------

void SoapApplications::stop() {
    if (std::exchange(stopping_, true)) return;
    for (const auto& [url, endpoint] : endpoints_) {
        for (auto& lane : endpoint->lanes) {
            if (lane.timer) lane.timer->cancel();
        }
    }
    if (running_.empty()) return;
    stop_timer_.expires_after(options_.stop_grace);
    stop_timer_.async_wait([this](const boost::system::error_code& ended) {
        if (ended) return;
        for (auto& each : running_) each.emit(asio::cancellation_type::terminal);
    });
}

}  // namespace applications
