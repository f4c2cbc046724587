// The operations, the same in all versions.
#include "telephony/callnotification/managers.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace callnotification {
namespace {

using applications::Event;
using applications::Manner;
using applications::Watched;
using frontend::Call;
using frontend::Refused;
using soap::Fault;

Refused refused(Fault fault) { return {std::move(fault), false}; }
Refused invalid(const std::string& part) { return refused(Fault::service("SVC0002", {part})); }

/// The version of the request; of an unlisted one its own number, not that of the version that serves it.
soap::VersionNumber manager_version(const Call& call) {
    return soap::version_in(call.local_namespace).value_or(call.version->number);
}

/// The events that a request names, each once; of one that names none `otherwise`.
std::vector<Event> distinct(std::vector<Event> events, std::vector<Event> otherwise) {
    if (events.empty()) return otherwise;
    std::ranges::sort(events);
    const auto rest = std::ranges::unique(events);
    events.erase(rest.begin(), rest.end());
    return events;
}

}  // namespace

std::vector<Event> usual_events(Manner manner, soap::VersionNumber manager) {
    std::vector<Event> events{Event::busy, Event::not_reachable, Event::no_answer, Event::called_number};
    if (manner == Manner::ask) return events;
    events.push_back(Event::answer);
    if (manager >= soap::VersionNumber{3, 8}) events.push_back(Event::disconnected);
    return events;
}

Managers::Managers(Options options, ledger::Ledger& ledger, applications::Storage& storage, base::Logger log)
    : options_(std::move(options)), ledger_(ledger), storage_(storage), log_(std::move(log)) {}

std::vector<frontend::Service> Managers::services() {
    constexpr auto permission = auth::Permission::rules_change;
    frontend::Service direction(call_direction_manager);
    direction.serve<&Managers::start_direction>(*this, "startCallDirectionNotification", permission)
        .serve<&Managers::stop_direction>(*this, "stopCallDirectionNotification", permission);
    frontend::Service notification(call_notification_manager);
    notification.serve<&Managers::start_notification>(*this, "startCallNotification", permission)
        .serve<&Managers::stop_notification>(*this, "stopCallNotification", permission)
        .serve<&Managers::start_media_interaction>(*this, "startPlayAndCollectNotification", permission)
        .serve<&Managers::start_media_interaction>(*this, "startPlayAndRecordNotification", permission)
        .serve<&Managers::stop_media_interaction>(*this, "stopMediaInteractionNotification", permission);
    return {std::move(direction), std::move(notification)};
}

Managers::Handled<soap::Empty> Managers::start_direction(const Call& call, StartDirection request) {
    Start same{std::move(request.reference), std::move(request.addresses), std::move(request.criteria), {}};
    return start(call, std::move(same), Manner::ask);
}
Managers::Handled<soap::Empty> Managers::stop_direction(const Call& call, StopDirection request) {
    Stop same{std::move(request.correlator), std::move(request.addresses), std::move(request.criteria)};
    return stop(call, std::move(same), Manner::ask);
}
Managers::Handled<soap::Empty> Managers::start_notification(const Call& call, Start request) {
    return start(call, std::move(request), Manner::tell);
}
Managers::Handled<soap::Empty> Managers::stop_notification(const Call& call, Stop request) {
    return stop(call, std::move(request), Manner::tell);
}
Managers::Handled<soap::Empty> Managers::start_media_interaction(const Call& /*call*/,
                                                                 StartMediaInteraction /*request*/) {
    co_return frontend::fault(frontend::Code::not_available);
}
Managers::Handled<soap::Empty> Managers::stop_media_interaction(const Call& call,
                                                                StopMediaInteraction /*request*/) {
    if (!call.principal->ever_allows(call.permission)) co_return frontend::fault(frontend::Code::not_allowed);
    co_return invalid("correlator");
}

/// The message part that can't be used. Why an endpoint can't is in the log: a fault has no room for it.
std::optional<std::string> Managers::unfit_part(const SimpleReference& reference,
                                                std::string_view request_id) const {
    const auto fits = [this](const std::string& text) {
        return base::is_storable_text(text, options_.text_bytes_max);
    };
    if (reference.correlator.empty() || !fits(reference.correlator)) return "reference.correlator";
    if (!fits(reference.interface_name)) return "reference.interfaceName";
    if (!fits(reference.endpoint)) return "reference.endpoint";
    if (const auto objection = options_.objection(reference.endpoint)) {
        log_.info("an application can't be called there",
                  {{"request", request_id},
                   {"correlator", reference.correlator},
                   {"endpoint", applications::loggable_endpoint(reference.endpoint)},
                   {"reason", *objection}});
        return "reference.endpoint";
    }
    return std::nullopt;
}

boost::asio::awaitable<Managers::Places> Managers::places(const Call& call,
                                                          std::vector<std::string> addresses) {
    Places places;
    if (addresses.size() > options_.addresses_max) {
        places.refused = refused(Fault::policy("POL0003", {"addresses"}));
        co_return places;
    }
    for (auto& text : addresses) {
        const auto located = co_await ledger_.locate(std::move(text));
        using ledger::Refusal;
        if (!located.account && located.account.error() == Refusal::overloaded)
            places.refused = frontend::try_again(frontend::Code::overloaded);
        else if (!located.account && located.account.error() != Refusal::unknown_account)
            places.refused = frontend::try_again(frontend::Code::database_unavailable);
        if (places.refused) co_return places;
        std::optional<std::string_view> domain;
        if (located.account) domain = (*located.account)->domain;
        if (auto fault = frontend::refusal(call, domain, located.address))
            places.refused = refused(std::move(*fault));
        else if (!located.account)
            places.refused = refused(Fault::service("SVC0004", {"addresses"}));
        if (places.refused) co_return places;
        Watched watched{(*located.account)->id, located.address};
        if (std::ranges::find(places.watched, watched) == places.watched.end())
            places.watched.push_back(std::move(watched));
    }
    co_return places;
}

Managers::Handled<soap::Empty> Managers::start(const Call& call, Start request, Manner manner) {
    if (auto part = unfit_part(request.reference, call.request_id)) co_return invalid(*part);
    const auto version = manager_version(call);
    auto found = co_await places(call, std::move(request.addresses));
    if (found.refused) co_return std::move(*found.refused);

    applications::NewNotification notification;
    notification.principal = call.principal->id();
    notification.manner = manner;
    notification.correlator = request.reference.correlator;
    notification.endpoint = request.reference.endpoint;
    notification.interface_name = std::move(request.reference.interface_name);
    notification.manager = version;
    notification.watched = std::move(found.watched);
    notification.calls_by = request.direction == AddressDirection::calling;
    notification.events = distinct(std::move(request.criteria), usual_events(manner, version));
    notification.limit = options_.notifications_max;
    const auto addresses = notification.watched.size();
    switch (co_await storage_.start(std::move(notification))) {
        case applications::Started::duplicate:
            co_return Fault::service("SVC0005", {request.reference.correlator, "reference.correlator"});
        case applications::Started::too_many:
            co_return Fault::policy("POL0005");
        case applications::Started::overlapping:
            co_return Fault::service("SVC0008", {"criteria"});
        case applications::Started::started:
            break;
    }
    log_.info("started a notification",
              {{"request", call.request_id},
               {"user", call.principal->login()},
               {"manner", to_string(manner)},
               {"correlator", request.reference.correlator},
               {"endpoint", applications::loggable_endpoint(request.reference.endpoint)},
               {"addresses", addresses}});
    soap::Empty empty;
    co_return empty;
}

Managers::Handled<soap::Empty> Managers::stop(const Call& call, Stop request, Manner manner) {
    if (!request.addresses.empty() || !request.criteria.empty()) {
        co_return co_await stop_events(call, std::move(request), manner);
    }
    // A correlator names no address whose domain could be asked for.
    if (!call.principal->ever_allows(call.permission)) co_return frontend::fault(frontend::Code::not_allowed);
    const auto correlator = std::move(request.correlator).value_or("");
    if (!base::is_storable_text(correlator)) co_return invalid("correlator");
    const bool stopped = co_await storage_.stop(call.principal->id(), manner, correlator);
    if (!stopped) co_return invalid("correlator");
    log_.info("stopped a notification", {{"request", call.request_id},
                                         {"user", call.principal->login()},
                                         {"manner", to_string(manner)},
                                         {"correlator", correlator}});
    soap::Empty empty;
    co_return empty;
}

/// By addresses and criteria, whatever the correlator: of the own notifications; administrators of others',
/// too.
Managers::Handled<soap::Empty> Managers::stop_events(const Call& call, Stop request, Manner manner) {
    if (request.addresses.empty()) co_return Fault::service("SVC0004", {"addresses"});
    auto found = co_await places(call, std::move(request.addresses));
    if (found.refused) co_return std::move(*found.refused);
    applications::StopEvents events;
    if (call.principal->kind() != auth::Kind::administrator) events.principal = call.principal->id();
    events.manner = manner;
    events.watched = std::move(found.watched);
    events.events =
        distinct(std::move(request.criteria), {applications::events.begin(), applications::events.end()});
    const auto stopped = co_await storage_.stop_events(std::move(events));
    if (stopped == 0) co_return invalid("addresses");
    log_.info("took addresses from notifications", {{"request", call.request_id},
                                                    {"user", call.principal->login()},
                                                    {"manner", to_string(manner)},
                                                    {"notifications", stopped}});
    soap::Empty empty;
    co_return empty;
}

}  // namespace callnotification
