// What we send to applications: Parlay X CallDirection and CallNotification, served by them.
//
// Sources: ES 202 391-3 (v2), ES 202 504-3 (v3_2), TS 29.199-03 before Release 8 (v3_8); Fork and several
// routing addresses are CommuniGate Pro's.
#pragma once

#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"
#include "telephony/applications/notification.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace applications {

/// The request of every handle* and notify* operation.
struct CallEvent {
    std::string correlator;
    std::string calling;
    std::optional<std::string> calling_name;
    std::string called;
    std::optional<std::string> session;
    bool operator==(const CallEvent&) const = default;
};

enum class ActionValue : std::uint8_t { route, carry_on, end_call, fork };

struct Action {
    ActionValue verb = ActionValue::carry_on;
    std::vector<std::string> addresses;
    std::optional<Charging> charging;
    std::vector<MediaInfo> media;
    bool operator==(const Action&) const = default;
};

/// The response of the handle* operations.
struct ActionResult {
    Action result;
    bool operator==(const ActionResult&) const = default;
};

struct EventDescription {
    Event event = Event::disconnected;
    std::optional<std::string> description;
    bool operator==(const EventDescription&) const = default;
};

/// The request of notifyCallEvent: of the events that have no operation of their own.
struct NamedCallEvent {
    std::string correlator;
    EventDescription event;
    std::string calling;
    std::optional<std::string> calling_name;
    std::string called;
    std::optional<std::string> session;
    bool operator==(const NamedCallEvent&) const = default;
};

inline constexpr soap::VersionRange v2{.since = {2, 0}, .until = {2, 99}};
inline constexpr soap::VersionRange v3{.since = {3, 0}};

}  // namespace applications

template <>
struct soap::Describe<applications::Event> {
    static constexpr std::string_view literals[]{"Busy",         "NotReachable", "NoAnswer",
                                                 "CalledNumber", "Answer",       "Disconnected"};
    static constexpr Type type = enumeration_type<applications::Event>("CallEvents", Home::types, literals);
};

template <>
struct soap::Describe<applications::CallEvent> {
    using T = applications::CallEvent;
    static constexpr auto v2 = applications::v2;
    static constexpr auto v3 = applications::v3;
    static constexpr Field fields[]{
        field<&T::correlator>("correlator"),
        field<&T::calling>("callingParty", {.type = &xsd::any_uri, .versions = v2}),
        field<&T::calling_name>("callingPartyName", {.versions = v2}),
        field<&T::called>("calledParty", {.type = &xsd::any_uri, .versions = v2}),
        field<&T::calling>("callingParticipant", {.type = &xsd::any_uri, .versions = v3}),
        field<&T::calling_name>("callingParticipantName", {.versions = v3}),
        field<&T::called>("calledParticipant", {.type = &xsd::any_uri, .versions = v3}),
        field<&T::session>("callSessionIdentifier", {.versions = v3}),
    };
    static constexpr Type type = complex_type<T>("CallEvent", Home::local, fields);
};

template <>
struct soap::Describe<applications::ActionValue> {
    static constexpr std::string_view literals[]{"Route", "Continue", "EndCall", "Fork"};
    static constexpr Type type =
        enumeration_type<applications::ActionValue>("ActionValues", Home::types, literals);
};

template <>
struct soap::Describe<applications::Action> {
    using T = applications::Action;
    static constexpr Field fields[]{
        field<&T::verb>("actionToPerform"),
        field<&T::addresses>("routingAddress", {.type = &xsd::any_uri}),
        field<&T::charging>("charging"),
        field<&T::media>("mediaInfo", {.versions = applications::v3}),
    };
    static constexpr Type type = complex_type<T>("Action", Home::types, fields);
};

template <>
struct soap::Describe<applications::ActionResult> {
    using T = applications::ActionResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("ActionResult", Home::local, fields);
};

template <>
struct soap::Describe<applications::EventDescription> {
    using T = applications::EventDescription;
    static constexpr Field fields[]{field<&T::event>("callEvent"), field<&T::description>("description")};
    static constexpr Type type = complex_type<T>("EventDescription", Home::types, fields);
};

template <>
struct soap::Describe<applications::NamedCallEvent> {
    using T = applications::NamedCallEvent;
    static constexpr Field fields[]{
        field<&T::correlator>("correlator"),
        field<&T::event>("eventNotified"),
        field<&T::calling>("callingParticipant", {.type = &xsd::any_uri}),
        field<&T::calling_name>("callingParticipantName"),
        field<&T::called>("calledParticipant", {.type = &xsd::any_uri}),
        field<&T::session>("callSessionIdentifier"),
    };
    static constexpr Type type = complex_type<T>("NamedCallEvent", Home::local, fields);
};

namespace applications {

inline constexpr soap::Version direction_versions[]{
    {.name = "v2_2",
     .number = {2, 2},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_direction/v2_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v2_2",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_direction/v2_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_direction/v2_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_2",
     .number = {3, 2},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_direction/v3_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_direction/v3_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_direction/v3_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::Version notification_versions[]{
    {.name = "v2_2",
     .number = {2, 2},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/v2_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v2_2",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_notification/v2_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/v2_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_2",
     .number = {3, 2},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/v3_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_notification/v3_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/v3_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
    {.name = "v3_8",
     .number = {3, 8},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/v3_8/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_8",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_notification/v3_8/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/v3_8/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable direction_operations[]{
    soap::operation<CallEvent, ActionResult>("handleBusy", {}, soap::Role::called),
    soap::operation<CallEvent, ActionResult>("handleNotReachable", {}, soap::Role::called),
    soap::operation<CallEvent, ActionResult>("handleNoAnswer", {}, soap::Role::called),
    soap::operation<CallEvent, ActionResult>("handleCalledNumber", {}, soap::Role::called),
};

inline constexpr soap::OperationTable notification_operations[]{
    soap::operation<CallEvent>("notifyBusy", {}, soap::Role::called),
    soap::operation<CallEvent>("notifyNotReachable", {}, soap::Role::called),
    soap::operation<CallEvent>("notifyNoAnswer", {}, soap::Role::called),
    soap::operation<CallEvent>("notifyCalledNumber", {}, soap::Role::called),
    soap::operation<CallEvent>("notifyAnswer", {}, soap::Role::called),
    soap::operation<NamedCallEvent>("notifyCallEvent", v3, soap::Role::called),
};

inline constexpr soap::Interface call_direction{.name = "CallDirection",
                                                .file_base = "parlayx_call_direction",
                                                .versions = direction_versions,
                                                .operations = direction_operations};
inline constexpr soap::Interface call_notification{.name = "CallNotification",
                                                   .file_base = "parlayx_call_notification",
                                                   .versions = notification_versions,
                                                   .operations = notification_operations};

}  // namespace applications
