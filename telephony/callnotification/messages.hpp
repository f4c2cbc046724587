// Parlay X Call Notification as we serve it: the managers by which applications start and stop notifications.
//
// Sources: ES 202 391-3 (v2), ES 202 504-3 (v3_1), TS 29.199-03 before Release 8 (v3_8). Addresses and
// criteria of the stop operations are CommuniGate Pro's.
#pragma once

#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"
#include "telephony/applications/messages.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace callnotification {

/// common:SimpleReference: where an application is told, and what it calls the notification.
struct SimpleReference {
    std::string endpoint;
    std::string interface_name;
    std::string correlator;
    bool operator==(const SimpleReference&) const = default;
};

/// Whose calls are meant: those to the addresses, or by them.
enum class AddressDirection : std::uint8_t { called, calling };

struct Start {
    SimpleReference reference;
    std::vector<std::string> addresses;
    std::vector<applications::Event> criteria;
    std::optional<AddressDirection> direction;
    bool operator==(const Start&) const = default;
};

struct Stop {
    std::optional<std::string> correlator;
    std::vector<std::string> addresses;
    std::vector<applications::Event> criteria;
    bool operator==(const Stop&) const = default;
};

/// The request of startPlayAndCollectNotification and startPlayAndRecordNotification.
struct StartMediaInteraction {
    SimpleReference reference;
    std::string session;
    bool operator==(const StartMediaInteraction&) const = default;
};

struct StopMediaInteraction {
    std::string correlator;
    bool operator==(const StopMediaInteraction&) const = default;
};

/// The same for CallDirectionManager.
struct StartDirection {
    SimpleReference reference;
    std::vector<std::string> addresses;
    std::vector<applications::Event> criteria;
    bool operator==(const StartDirection&) const = default;
};

struct StopDirection {
    std::optional<std::string> correlator;
    std::vector<std::string> addresses;
    std::vector<applications::Event> criteria;
    bool operator==(const StopDirection&) const = default;
};

inline constexpr soap::VersionRange until_v2{.until = {2, 99}};
inline constexpr soap::VersionRange since_v3{.since = {3, 0}};
inline constexpr soap::VersionRange since_v3_8{.since = {3, 8}};

/// CallEvents, as far as a manager takes them: nobody is asked about what has happened already, and Parlay X
/// 2 has no Disconnected.
inline constexpr std::span all_events{soap::Describe<applications::Event>::literals};
inline constexpr auto asked_events =
    soap::enumeration_type<applications::Event>("CallEvents", soap::Home::types, all_events.first(4));
inline constexpr auto told_events_v2 =
    soap::enumeration_type<applications::Event>("CallEvents", soap::Home::types, all_events.first(5));

}  // namespace callnotification

template <>
struct soap::Describe<callnotification::SimpleReference> {
    using T = callnotification::SimpleReference;
    static constexpr Field fields[]{
        field<&T::endpoint>("endpoint", {.type = &xsd::any_uri}),
        field<&T::interface_name>("interfaceName"),
        field<&T::correlator>("correlator"),
    };
    static constexpr Type type = complex_type<T>("SimpleReference", Home::common, fields);
};

template <>
struct soap::Describe<callnotification::AddressDirection> {
    static constexpr std::string_view literals[]{"Called", "Calling"};
    static constexpr Type type =
        enumeration_type<callnotification::AddressDirection>("AddressDirection", Home::types, literals);
};

template <>
struct soap::Describe<callnotification::Start> {
    using T = callnotification::Start;
    static constexpr Field fields[]{
        field<&T::reference>("reference"),
        field<&T::addresses>("addresses", {.type = &xsd::any_uri, .min = 1}),
        field<&T::criteria>(
            "criteria", {.type = &callnotification::told_events_v2, .versions = callnotification::until_v2}),
        field<&T::criteria>("criteria", {.versions = callnotification::since_v3}),
        field<&T::direction>("addressDirection", {.versions = callnotification::since_v3_8}),
    };
    static constexpr Type type = complex_type<T>("Start", Home::local, fields);
};

template <>
struct soap::Describe<callnotification::Stop> {
    using T = callnotification::Stop;
    static constexpr Field fields[]{
        field<&T::correlator>("correlator"),
        field<&T::addresses>("addresses", {.type = &xsd::any_uri}),
        field<&T::criteria>(
            "criteria", {.type = &callnotification::told_events_v2, .versions = callnotification::until_v2}),
        field<&T::criteria>("criteria", {.versions = callnotification::since_v3}),
    };
    static constexpr Type type = complex_type<T>("Stop", Home::local, fields);
};

template <>
struct soap::Describe<callnotification::StartMediaInteraction> {
    using T = callnotification::StartMediaInteraction;
    static constexpr Field fields[]{
        field<&T::reference>("reference"),
        field<&T::session>("callSessionIdentifier"),
    };
    static constexpr Type type = complex_type<T>("StartMediaInteraction", Home::local, fields);
};

template <>
struct soap::Describe<callnotification::StopMediaInteraction> {
    using T = callnotification::StopMediaInteraction;
    static constexpr Field fields[]{field<&T::correlator>("correlator")};
    static constexpr Type type = complex_type<T>("StopMediaInteraction", Home::local, fields);
};

template <>
struct soap::Describe<callnotification::StartDirection> {
    using T = callnotification::StartDirection;
    static constexpr Field fields[]{
        field<&T::reference>("reference"),
        field<&T::addresses>("addresses", {.type = &xsd::any_uri, .min = 1}),
        field<&T::criteria>("criteria", {.type = &callnotification::asked_events}),
    };
    static constexpr Type type = complex_type<T>("StartDirection", Home::local, fields);
};

template <>
struct soap::Describe<callnotification::StopDirection> {
    using T = callnotification::StopDirection;
    static constexpr Field fields[]{
        field<&T::correlator>("correlator"),
        field<&T::addresses>("addresses", {.type = &xsd::any_uri}),
        field<&T::criteria>("criteria", {.type = &callnotification::asked_events}),
    };
    static constexpr Type type = complex_type<T>("StopDirection", Home::local, fields);
};

namespace callnotification {

inline constexpr soap::Version direction_versions[]{
    {.name = "v2_2",
     .number = {2, 2},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_direction/notification_manager/v2_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v2_2",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_direction/notification_manager/v2_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_direction/notification_manager/v2_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_direction/notification_manager/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_direction/notification_manager/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_direction/notification_manager/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::Version notification_versions[]{
    {.name = "v2_2",
     .number = {2, 2},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/notification_manager/v2_2/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v2_2",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface =
         "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v2_2/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v2_2/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/notification_manager/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface =
         "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
    {.name = "v3_8",
     .number = {3, 8},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_notification/notification_manager/v3_8/local",
     .types = "http://www.csapi.org/schema/parlayx/call_notification/v3_8",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface =
         "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v3_8/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_notification/notification_manager/v3_8/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable direction_operations[]{
    soap::operation<StartDirection>("startCallDirectionNotification"),
    soap::operation<StopDirection>("stopCallDirectionNotification"),
};

inline constexpr soap::OperationTable notification_operations[]{
    soap::operation<Start>("startCallNotification"),
    soap::operation<Stop>("stopCallNotification"),
    soap::operation<StartMediaInteraction>("startPlayAndCollectNotification", since_v3),
    soap::operation<StartMediaInteraction>("startPlayAndRecordNotification", since_v3),
    soap::operation<StopMediaInteraction>("stopMediaInteractionNotification", since_v3),
};

inline constexpr soap::Interface call_direction_manager{
    .name = "CallDirectionManager",
    .file_base = "parlayx_call_direction_notification_manager",
    .versions = direction_versions,
    .operations = direction_operations};
inline constexpr soap::Interface call_notification_manager{
    .name = "CallNotificationManager",
    .file_base = "parlayx_call_notification_notification_manager",
    .versions = notification_versions,
    .operations = notification_operations};

}  // namespace callnotification
