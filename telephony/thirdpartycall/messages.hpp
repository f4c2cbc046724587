// Parlay X Third Party Call on the wire: version 2 has calls of two parties, version 3 sessions of
// participants.
//
// Sources: ES 202 391-2 (v2_0, v2_3), ES 202 504-2 (v3_4).
#pragma once

#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"
#include "telephony/applications/common_types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace thirdpartycall {

using applications::Charging;
using applications::Media;
using applications::MediaDirection;
using applications::MediaInfo;

struct MakeCall {
    std::string calling_party;
    std::string called_party;
    std::optional<Charging> charging;
    bool operator==(const MakeCall&) const = default;
};

/// The request of getCallInformation, endCall and cancelCallRequest.
struct CallReference {
    std::string call_identifier;
    bool operator==(const CallReference&) const = default;
};

/// The response of makeCall and makeCallSession: the identifier.
struct Identifier {
    std::string result;
    bool operator==(const Identifier&) const = default;
};

enum class CallStatus : std::uint8_t { initial, connected, terminated };
enum class CallCause : std::uint8_t {
    calling_no_answer,
    called_no_answer,
    calling_busy,
    called_busy,
    calling_not_reachable,
    called_not_reachable,
    hang_up,
    aborted
};

struct CallInformation {
    CallStatus status = CallStatus::initial;
    std::optional<soap::TimePoint> start_time;
    std::optional<std::int32_t> duration;  ///< seconds
    std::optional<CallCause> cause;
    bool operator==(const CallInformation&) const = default;
};

struct CallInformationResult {
    CallInformation result;
    bool operator==(const CallInformationResult&) const = default;
};

struct MakeCallSession {
    std::vector<std::string> participants;
    std::optional<std::string> calling_name;
    std::optional<Charging> charging;
    std::vector<MediaInfo> media;
    bool media_fixed = false;
    bool operator==(const MakeCallSession&) const = default;
};

struct AddParticipant {
    std::string session;
    std::string participant;
    std::vector<MediaInfo> media;
    bool operator==(const AddParticipant&) const = default;
};

struct TransferParticipant {
    std::string destination;
    std::string source;
    std::string participant;
    bool operator==(const TransferParticipant&) const = default;
};

/// The request of getCallParticipantInformation and deleteCallParticipant.
struct ParticipantReference {
    std::string session;
    std::string participant;
    bool operator==(const ParticipantReference&) const = default;
};

/// The request of getCallSessionInformation and endCallSession.
struct SessionReference {
    std::string session;
    bool operator==(const SessionReference&) const = default;
};

enum class ParticipantStatus : std::uint8_t { initial, connected, terminated };
enum class ParticipantCause : std::uint8_t { no_answer, busy, not_reachable, hang_up, aborted };

struct ParticipantInformation {
    std::string participant;
    ParticipantStatus status = ParticipantStatus::initial;
    std::optional<soap::TimePoint> start_time;
    std::optional<std::int32_t> duration;  ///< seconds
    std::optional<ParticipantCause> cause;
    std::vector<MediaInfo> media;
    bool operator==(const ParticipantInformation&) const = default;
};

struct ParticipantInformationResult {
    ParticipantInformation result;
    bool operator==(const ParticipantInformationResult&) const = default;
};

struct CallSession {
    std::string session;
    std::vector<ParticipantInformation> participants;
    bool operator==(const CallSession&) const = default;
};

struct CallSessionResult {
    CallSession result;
    bool operator==(const CallSessionResult&) const = default;
};

inline constexpr soap::VersionRange v2{.since = {2, 0}, .until = {2, 99}};
inline constexpr soap::VersionRange v2_0{.until = {2, 0}};
inline constexpr soap::VersionRange since_v2_1{.since = {2, 1}};
inline constexpr soap::VersionRange v3{.since = {3, 0}};

}  // namespace thirdpartycall

template <>
struct soap::Describe<thirdpartycall::MakeCall> {
    using T = thirdpartycall::MakeCall;
    static constexpr Field fields[]{
        field<&T::calling_party>("callingParty", {.type = &xsd::any_uri}),
        field<&T::called_party>("calledParty", {.type = &xsd::any_uri}),
        field<&T::charging>("charging", {.min = 1, .versions = thirdpartycall::v2_0}),
        field<&T::charging>("charging", {.versions = thirdpartycall::since_v2_1}),
    };
    static constexpr Type type = complex_type<T>("MakeCall", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::CallReference> {
    using T = thirdpartycall::CallReference;
    static constexpr Field fields[]{field<&T::call_identifier>("callIdentifier")};
    static constexpr Type type = complex_type<T>("CallReference", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::Identifier> {
    using T = thirdpartycall::Identifier;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("Identifier", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::CallStatus> {
    static constexpr std::string_view literals[]{"CallInitial", "CallConnected", "CallTerminated"};
    static constexpr Type type =
        enumeration_type<thirdpartycall::CallStatus>("CallStatus", Home::types, literals);
};

template <>
struct soap::Describe<thirdpartycall::CallCause> {
    static constexpr std::string_view literals[]{
        "CallingPartyNoAnswer",     "CalledPartyNoAnswer",     "CallingPartyBusy", "CalledPartyBusy",
        "CallingPartyNotReachable", "CalledPartyNotReachable", "CallHangUp",       "CallAborted"};
    static constexpr Type type =
        enumeration_type<thirdpartycall::CallCause>("CallTerminationCause", Home::types, literals);
};

template <>
struct soap::Describe<thirdpartycall::CallInformation> {
    using T = thirdpartycall::CallInformation;
    static constexpr Field fields[]{
        field<&T::status>("callStatus"),
        field<&T::start_time>("startTime", {.min = 1, .versions = thirdpartycall::v2_0}),
        field<&T::start_time>("startTime", {.versions = thirdpartycall::since_v2_1}),
        field<&T::duration>("duration", {.min = 1, .versions = thirdpartycall::v2_0}),
        field<&T::duration>("duration", {.versions = thirdpartycall::since_v2_1}),
        // v2_0 demands a cause of calls that have not ended, and has no value for that: ours is optional.
        field<&T::cause>("terminationCause"),
    };
    static constexpr Type type = complex_type<T>("CallInformation", Home::types, fields);
};

template <>
struct soap::Describe<thirdpartycall::CallInformationResult> {
    using T = thirdpartycall::CallInformationResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("CallInformationResult", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::MakeCallSession> {
    using T = thirdpartycall::MakeCallSession;
    static constexpr Field fields[]{
        field<&T::participants>("callParticipants", {.type = &xsd::any_uri, .min = 1, .max = 2}),
        field<&T::calling_name>("callingParticipantName"),
        field<&T::charging>("charging"),
        field<&T::media>("mediaInfo"),
        field<&T::media_fixed>("changeMediaNotAllowed"),
    };
    static constexpr Type type = complex_type<T>("MakeCallSession", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::AddParticipant> {
    using T = thirdpartycall::AddParticipant;
    static constexpr Field fields[]{
        field<&T::session>("callSessionIdentifier"),
        field<&T::participant>("callParticipant", {.type = &xsd::any_uri}),
        field<&T::media>("mediaInfo"),
    };
    static constexpr Type type = complex_type<T>("AddParticipant", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::TransferParticipant> {
    using T = thirdpartycall::TransferParticipant;
    static constexpr Field fields[]{
        field<&T::destination>("destinationCallSessionIdentifier"),
        field<&T::source>("sourceCallSessionIdentifier"),
        field<&T::participant>("callParticipant", {.type = &xsd::any_uri}),
    };
    static constexpr Type type = complex_type<T>("TransferParticipant", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::ParticipantReference> {
    using T = thirdpartycall::ParticipantReference;
    static constexpr Field fields[]{
        field<&T::session>("callSessionIdentifier"),
        field<&T::participant>("callParticipant", {.type = &xsd::any_uri}),
    };
    static constexpr Type type = complex_type<T>("ParticipantReference", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::SessionReference> {
    using T = thirdpartycall::SessionReference;
    static constexpr Field fields[]{field<&T::session>("callSessionIdentifier")};
    static constexpr Type type = complex_type<T>("SessionReference", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::ParticipantStatus> {
    static constexpr std::string_view literals[]{"CallParticipantInitial", "CallParticipantConnected",
                                                 "CallParticipantTerminated"};
    static constexpr Type type =
        enumeration_type<thirdpartycall::ParticipantStatus>("CallParticipantStatus", Home::common, literals);
};

template <>
struct soap::Describe<thirdpartycall::ParticipantCause> {
    static constexpr std::string_view literals[]{"CallParticipantNoAnswer", "CallParticipantBusy",
                                                 "CallParticipantNotReachable", "CallParticipantHangUp",
                                                 "CallParticipantAborted"};
    static constexpr Type type = enumeration_type<thirdpartycall::ParticipantCause>(
        "CallParticipantTerminationCause", Home::common, literals);
};

template <>
struct soap::Describe<thirdpartycall::ParticipantInformation> {
    using T = thirdpartycall::ParticipantInformation;
    static constexpr Field fields[]{
        field<&T::participant>("callParticipantIdentifier", {.type = &xsd::any_uri}),
        field<&T::status>("callParticipantStatus"),
        field<&T::start_time>("callParticipantStartTime"),
        field<&T::duration>("callParticipantDuration"),
        field<&T::cause>("callParticipantTerminationCause"),
        field<&T::media>("mediaInfo"),
    };
    static constexpr Type type = complex_type<T>("CallParticipantInformation", Home::common, fields);
};

template <>
struct soap::Describe<thirdpartycall::ParticipantInformationResult> {
    using T = thirdpartycall::ParticipantInformationResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("ParticipantInformationResult", Home::local, fields);
};

template <>
struct soap::Describe<thirdpartycall::CallSession> {
    using T = thirdpartycall::CallSession;
    static constexpr Field fields[]{
        field<&T::session>("callSessionIdentifier"),
        field<&T::participants>("callParticipantInformation"),
    };
    static constexpr Type type = complex_type<T>("CallSession", Home::common, fields);
};

template <>
struct soap::Describe<thirdpartycall::CallSessionResult> {
    using T = thirdpartycall::CallSessionResult;
    static constexpr Field fields[]{field<&T::result>("result")};
    static constexpr Type type = complex_type<T>("CallSessionResult", Home::local, fields);
};

namespace thirdpartycall {

inline constexpr soap::Version versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 0},
     .local = "http://www.csapi.org/schema/parlayx/third_party_call/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/third_party_call/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_0",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/third_party_call/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/third_party_call/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_3",
     .number = {2, 3},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/third_party_call/v2_3/local",
     .types = "http://www.csapi.org/schema/parlayx/third_party_call/v2_3",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/third_party_call/v2_3/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/third_party_call/v2_3/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_4",
     .number = {3, 4},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/third_party_call/v3_4/local",
     .types = "",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/third_party_call/v3_4/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/third_party_call/v3_4/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

/// The prose of the standard calls it so; the files say cancelCallRequest.
inline constexpr std::string_view cancel_aliases[]{"cancelCall"};

inline constexpr soap::OperationTable operations[]{
    soap::operation<MakeCall, Identifier>("makeCall", v2),
    soap::operation<CallReference, CallInformationResult>("getCallInformation", v2),
    soap::operation<CallReference>("endCall", v2),
    soap::operation<CallReference>("cancelCallRequest", v2, soap::Role::served, cancel_aliases),
    soap::operation<MakeCallSession, Identifier>("makeCallSession", v3),
    soap::operation<AddParticipant>("addCallParticipant", v3),
    soap::operation<TransferParticipant>("transferCallParticipant", v3),
    soap::operation<ParticipantReference, ParticipantInformationResult>("getCallParticipantInformation", v3),
    soap::operation<SessionReference, CallSessionResult>("getCallSessionInformation", v3),
    soap::operation<ParticipantReference>("deleteCallParticipant", v3),
    soap::operation<SessionReference>("endCallSession", v3),
};

inline constexpr soap::Interface third_party_call{.name = "ThirdPartyCall",
                                                  .file_base = "parlayx_third_party_call",
                                                  .versions = versions,
                                                  .operations = operations};

}  // namespace thirdpartycall
