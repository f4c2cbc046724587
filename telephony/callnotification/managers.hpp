// Parlay X CallDirectionManager and CallNotificationManager: notifications are started and stopped.
#pragma once

#include "base/log.hpp"
#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "telephony/applications/storage.hpp"
#include "telephony/callnotification/messages.hpp"

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callnotification {

/// The events that an application gets when it names none. The Disconnected of 3.0 is told to who asks for it
/// by name.
[[nodiscard]] std::vector<applications::Event> usual_events(applications::Manner manner,
                                                            soap::VersionNumber manager);

class Managers {
  public:
    struct Options {
        std::size_t addresses_max = 100;          ///< of one notification: POL0003
        std::int64_t notifications_max = 10'000;  ///< of one principal: POL0005
        std::size_t text_bytes_max = 1024;        ///< of an endpoint, a correlator, an interface's name
        /// What is wrong with an endpoint; nothing: it will be tried.
        std::function<std::optional<std::string>(std::string_view)> objection;
    };

    /// The references outlive this.
    Managers(Options options, ledger::Ledger& ledger, applications::Storage& storage, base::Logger log);

    [[nodiscard]] std::vector<frontend::Service> services();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<soap::Empty> start_direction(const frontend::Call& call, StartDirection request);
    Handled<soap::Empty> stop_direction(const frontend::Call& call, StopDirection request);
    Handled<soap::Empty> start_notification(const frontend::Call& call, Start request);
    Handled<soap::Empty> stop_notification(const frontend::Call& call, Stop request);
    /// Nothing here plays, collects or records (Audio Call), so nobody is told of that.
    Handled<soap::Empty> start_media_interaction(const frontend::Call& call, StartMediaInteraction request);
    Handled<soap::Empty> stop_media_interaction(const frontend::Call& call, StopMediaInteraction request);

  private:
    /// The addresses of a request, or why they can't be watched.
    struct Places {
        std::vector<applications::Watched> watched;
        std::optional<frontend::Refused> refused;
    };

    Handled<soap::Empty> start(const frontend::Call& call, Start request, applications::Manner manner);
    Handled<soap::Empty> stop(const frontend::Call& call, Stop request, applications::Manner manner);
    Handled<soap::Empty> stop_events(const frontend::Call& call, Stop request, applications::Manner manner);
    boost::asio::awaitable<Places> places(const frontend::Call& call, std::vector<std::string> addresses);
    [[nodiscard]] std::optional<std::string> unfit_part(const SimpleReference& reference,
                                                        std::string_view request_id) const;

    Options options_;
    ledger::Ledger& ledger_;
    applications::Storage& storage_;
    base::Logger log_;
};

}  // namespace callnotification
