// Asks and tells applications in SOAP: deadlines, a queue and a circuit breaker for each endpoint.
#pragma once

#include "base/log.hpp"
#include "frontend/soap_client.hpp"
#include "telephony/applications/application_metrics.hpp"
#include "telephony/applications/applications.hpp"
#include "telephony/applications/breaker.hpp"
#include "telephony/applications/known_notifications.hpp"
#include "telephony/applications/messages.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace applications {

class SoapApplications final : public Applications {
  public:
    using Clock = std::chrono::steady_clock;

    struct Options {
        std::chrono::milliseconds ask_timeout{3'000};  ///< then the call goes on
        std::size_t asks_per_endpoint = 200;           ///< at once
        std::size_t fork_addresses_max = 10;           ///< of one Fork
        /// Whether this login's amounts are in minor units; empty: nobody's are.
        std::function<bool(const std::string& login)> counts_minor{};
        std::chrono::milliseconds tell_for{60'000};     ///< then what was not delivered is lost
        std::chrono::milliseconds tell_timeout{5'000};  ///< of one try
        std::chrono::milliseconds tell_pause{500};      ///< after the first failure; it doubles
        std::chrono::milliseconds tell_pause_max{10'000};
        std::size_t tells_per_endpoint = 1'000;  ///< that wait
        std::size_t tells_max = 20'000;          ///< that wait in all
        std::size_t lanes = 4;                   ///< tells of one endpoint at once; a session keeps to one
        Breaker::Options breaker{};
        std::size_t cache = 10'000;                   ///< notifications that are remembered
        std::size_t endpoints_max = 10'000;           ///< whose failures are remembered
        std::chrono::milliseconds stop_grace{2'000};  ///< for what is still to be told at the end
    };

    /// A call's application (its login) is about to hear of the call (its session) from us.
    using Heard = std::function<void(const std::string& session, const std::string& login)>;

    /// Runs on `executor`, that of an io_context with one thread; so does `heard`. The references outlive
    /// this.
    SoapApplications(Options options, Storage& storage, frontend::SoapClient& client, Heard heard,
                     boost::asio::any_io_executor executor, base::Logger log);

    void ask(Question question, std::function<void(Directive)> done) override;
    void tell(Question question) override;

    /// On the executor: a notification was stopped; or any may have been, or who started it may do less.
    void forget(const std::string& id) { known_.forget(id); }
    void forget_all() { known_.forget_all(); }

    /// On the executor. Nobody is called back any more. What is still to be told is tried once more, within
    /// the grace.
    void stop();

    /// From any thread: appends Prometheus text.
    void append_metrics(std::string& out) const { metrics_.write(out); }

  private:
    /// A call that waits for what an application says.
    struct Asked {
        Question question;
        std::function<void(Directive)> done;  ///< null: it was called
        Clock::time_point since;
        boost::asio::steady_timer timer;
        NotificationPtr notification{};  ///< once it is known
    };
    using AskedPtr = std::shared_ptr<Asked>;

    struct Told {
        Question question;
        NotificationPtr notification;
        Clock::time_point until;
    };

    /// What is told one after the other.
    struct Lane {
        std::deque<Told> queue;
        bool running = false;
        std::optional<boost::asio::steady_timer> timer;  ///< while it waits before it tries again
    };

    struct Endpoint {
        Endpoint(std::string where, const Breaker::Options& options, std::size_t lane_count)
            : url(std::move(where)), breaker(options), lanes(lane_count) {}
        [[nodiscard]] bool idle() const { return asks == 0 && tells == 0; }

        const std::string url;
        Breaker breaker;
        std::size_t asks = 0;   ///< under way
        std::size_t tells = 0;  ///< in the lanes
        std::vector<Lane> lanes;
    };
    using EndpointPtr = std::shared_ptr<Endpoint>;

    void spawn(boost::asio::awaitable<void> work);
    EndpointPtr endpoint_of(const std::string& url);
    void forget_if_idle(const EndpointPtr& endpoint);

    void question_known(const AskedPtr& asked, const NotificationPtr& notification);
    boost::asio::awaitable<void> put(AskedPtr asked, EndpointPtr endpoint);
    void finish(const AskedPtr& asked, Directive directive, AskResult result, std::string_view reason = {});

    void tell_known(Told told);
    boost::asio::awaitable<void> run(EndpointPtr endpoint, std::size_t number);
    boost::asio::awaitable<bool> deliver(EndpointPtr endpoint, Told told);
    boost::asio::awaitable<void> pause(std::shared_ptr<Endpoint> endpoint, std::size_t number,
                                       Clock::time_point until);
    void finish(const Question& question, const Notification* notification, TellResult result,
                std::string_view reason = {});
    void set_waiting(std::size_t waiting);

    void note_success(Endpoint& endpoint);
    void note_failure(Endpoint& endpoint, const frontend::Undelivered& failure);

    const Options options_;
    frontend::SoapClient& client_;
    Heard heard_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    ApplicationMetrics metrics_;
    KnownNotifications known_;
    std::unordered_map<std::string, EndpointPtr> endpoints_;
    std::list<boost::asio::cancellation_signal> running_;  ///< one for each coroutine
    std::size_t waiting_ = 0;                              ///< tells, in lanes and before
    std::size_t open_ = 0;                                 ///< endpoints that are left alone
    bool stopping_ = false;
    boost::asio::steady_timer stop_timer_;
};

}  // namespace applications
