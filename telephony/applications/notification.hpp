// What an application registered (Parlay X calls it a notification), and what is said between it and us about
// a call. Pure data.
//
// Source: ES 202 391-3 and ES 202 504-3 (Call Notification), and CommuniGate Pro's Fork.
#pragma once

#include "frontend/auth/limits.hpp"
#include "frontend/soap/message.hpp"
#include "telephony/applications/common_types.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace applications {

/// What can happen to a call. Applications are asked about the first four only.
enum class Event : std::uint8_t { busy, not_reachable, no_answer, called_number, answer, disconnected };
inline constexpr std::array events{Event::busy,          Event::not_reachable, Event::no_answer,
                                   Event::called_number, Event::answer,        Event::disconnected};
[[nodiscard]] std::string_view to_string(Event event);  ///< as CallEvents spells it: `NotReachable`
[[nodiscard]] std::optional<Event> event_named(std::string_view name);

/// Is the application asked what becomes of the call (CallDirection), or told only (CallNotification)?
enum class Manner : std::uint8_t { ask, tell };
[[nodiscard]] std::string_view to_string(Manner manner);  ///< `ask`, `tell`

/// An endpoint for the log: what a URI has beside host and path, a user or a query, may be secret.
[[nodiscard]] std::string loggable_endpoint(std::string_view uri);

/// Who pays for what an application charges.
struct Payers {
    std::string
        own;  ///< the address of the subscriber who started its notification; empty: the calling party,
    std::vector<std::string> domains;  ///< … whose account is in one of these (`*`: any), otherwise nobody,
    std::vector<std::string> prefixes;  ///< … and one of whose addresses begins so; none: anyhow
    bool operator==(const Payers&) const = default;
};

/// A live notification, as far as calling its application needs it. Immutable: it is stopped, not changed.
struct Notification {
    std::string id;  ///< ours; in rules and in Question
    Manner manner = Manner::tell;
    std::string endpoint;    ///< where its application listens
    std::string correlator;  ///< what the application calls it
    soap::VersionNumber
        manager;              ///< of the manager's interface that it was started by, as the client wrote it
    std::string login;        ///< who started it
    std::string application;  ///< the same in the ledger's terms
    Payers payers;
    auth::CallScreen screen;  ///< whom the application may have called
    bool operator==(const Notification&) const = default;
};

/// Something happened to a call.
struct Question {
    std::string notification;  ///< its id
    Event event = Event::called_number;
    std::string calling;  ///< address in normal form
    std::string calling_name;
    std::string called;   ///< as it was called
    std::string session;  ///< the call's identifier
    bool operator==(const Question&) const = default;
};

/// What the application wants the call to cost, and who may be made to pay.
struct Toll {
    Charging charging;
    std::string application;  ///< in whose name it is held and charged
    Payers payers;
    bool minor = false;  ///< the amount is in minor units
    bool operator==(const Toll&) const = default;
};

enum class Verb : std::uint8_t {
    carry_on,  ///< as if nobody had been asked
    route,     ///< to addresses.front(), and nowhere else
    fork,      ///< to all addresses, too: what rings goes on ringing
    end_call,
};

/// What becomes of the call.
struct Directive {
    Verb verb = Verb::carry_on;
    std::vector<std::string>
        addresses{};  ///< as the application wrote them; one of route, one or more of fork
    std::optional<Toll> toll{};
    auth::CallScreen screen{};  ///< which of the addresses it may have called
    bool operator==(const Directive&) const = default;
};

}  // namespace applications
