// The messages of Parlay X Call Handling (ES 202 391-10), versions 2 and 3.
//
// The original files were not found. Operations and types are certain; the names inside them are not: they
// stand in `names` and nowhere else, unknown elements are passed over, and where two spellings are likely
// both are read.
#pragma once

#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callhandling {

namespace names {
inline constexpr std::string_view address = "address";
inline constexpr std::string_view addresses = "addresses";
inline constexpr std::string_view rules = "rules";
inline constexpr std::string_view result = "result";
inline constexpr std::string_view accept_list = "acceptList";
inline constexpr std::string_view block_list = "blockList";
inline constexpr std::string_view forward_list = "forwardList";
inline constexpr std::string_view forward = "forward";
inline constexpr std::string_view voice_interaction = "voiceInteractionContent";
inline constexpr std::string_view voice_interaction_too = "voiceInteraction";
inline constexpr std::string_view calling_address = "callingAddress";
inline constexpr std::string_view forwarding_address = "forwardingAddress";
inline constexpr std::string_view on_busy_address = "onBusyAddress";
inline constexpr std::string_view on_no_answer_address = "onNoAnswerAddress";
inline constexpr std::string_view content = "content";
inline constexpr std::string_view text = "text";
inline constexpr std::string_view language = "language";
inline constexpr std::string_view audio = "audio";
inline constexpr std::string_view voice_xml = "voiceXml";
inline constexpr std::string_view success = "success";
inline constexpr std::string_view error_information = "errorInformation";
}  // namespace names

/// Where calls go: at once, and when whoever was called then is busy or does not answer.
struct UnconditionalForward {
    std::optional<std::string> forwarding;
    std::optional<std::string> on_busy;
    std::optional<std::string> on_no_answer;
    bool operator==(const UnconditionalForward&) const = default;
};

/// The same for one caller.
struct ConditionalForward {
    std::string calling;
    std::optional<std::string> forwarding;
    std::optional<std::string> on_busy;
    std::optional<std::string> on_no_answer;
    bool operator==(const ConditionalForward&) const = default;
};

struct TextInteraction {
    std::optional<std::string> text;
    std::optional<std::string> language;
    bool operator==(const TextInteraction&) const = default;
};

/// Read only to be refused: nothing here plays announcements yet.
struct VoiceInteraction {
    std::optional<std::string> content;
    std::optional<TextInteraction> text;
    std::optional<std::string> audio;
    std::optional<std::string> voice_xml;
    bool operator==(const VoiceInteraction&) const = default;
};

struct CallHandlingRules {
    std::vector<std::string> accept_list;
    std::vector<std::string> block_list;
    std::vector<ConditionalForward> forward_list;
    std::optional<UnconditionalForward> forward;
    std::optional<VoiceInteraction> voice_interaction;
    std::optional<VoiceInteraction> voice_interaction_too;
    bool operator==(const CallHandlingRules&) const = default;
};

struct SetRules {
    std::string address;
    CallHandlingRules rules;
    bool operator==(const SetRules&) const = default;
};

struct SetRulesForGroup {
    std::vector<std::string> addresses;
    CallHandlingRules rules;
    bool operator==(const SetRulesForGroup&) const = default;
};

/// ES 202 391-1, clause 8.4.
struct ServiceError {
    std::string message_id;
    std::string text;
    std::vector<std::string> variables;
    bool operator==(const ServiceError&) const = default;
};

/// What became of one address.
struct SetRulesResult {
    std::string address;
    bool success = false;
    std::optional<ServiceError> error;
    bool operator==(const SetRulesResult&) const = default;
};

struct SetRulesResults {
    std::vector<SetRulesResult> result;
    bool operator==(const SetRulesResults&) const = default;
};

struct GetRules {
    std::string address;
    bool operator==(const GetRules&) const = default;
};

struct Rules {
    CallHandlingRules result;
    bool operator==(const Rules&) const = default;
};

struct ClearRules {
    std::vector<std::string> addresses;
    bool operator==(const ClearRules&) const = default;
};

}  // namespace callhandling

template <>
struct soap::Describe<callhandling::UnconditionalForward> {
    using T = callhandling::UnconditionalForward;
    static constexpr Field fields[]{
        field<&T::forwarding>(callhandling::names::forwarding_address, {.type = &xsd::any_uri}),
        field<&T::on_busy>(callhandling::names::on_busy_address, {.type = &xsd::any_uri}),
        field<&T::on_no_answer>(callhandling::names::on_no_answer_address, {.type = &xsd::any_uri}),
    };
    static constexpr Type type =
        complex_type<T>("UnconditionalForward", Home::types, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::ConditionalForward> {
    using T = callhandling::ConditionalForward;
    static constexpr Field fields[]{
        field<&T::calling>(callhandling::names::calling_address, {.type = &xsd::any_uri}),
        field<&T::forwarding>(callhandling::names::forwarding_address, {.type = &xsd::any_uri}),
        field<&T::on_busy>(callhandling::names::on_busy_address, {.type = &xsd::any_uri}),
        field<&T::on_no_answer>(callhandling::names::on_no_answer_address, {.type = &xsd::any_uri}),
    };
    static constexpr Type type =
        complex_type<T>("ConditionalForward", Home::types, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::TextInteraction> {
    using T = callhandling::TextInteraction;
    static constexpr Field fields[]{
        field<&T::text>(callhandling::names::text),
        field<&T::language>(callhandling::names::language),
    };
    static constexpr Type type =
        complex_type<T>("TextInteraction", Home::types, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::VoiceInteraction> {
    using T = callhandling::VoiceInteraction;
    static constexpr Field fields[]{
        // An enumeration in the original, whose literals are not known.
        field<&T::content>(callhandling::names::content),
        field<&T::text>(callhandling::names::text),
        field<&T::audio>(callhandling::names::audio, {.type = &xsd::any_uri}),
        field<&T::voice_xml>(callhandling::names::voice_xml, {.type = &xsd::any_uri}),
    };
    static constexpr Type type =
        complex_type<T>("VoiceInteraction", Home::types, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::CallHandlingRules> {
    using T = callhandling::CallHandlingRules;
    static constexpr Field fields[]{
        field<&T::accept_list>(callhandling::names::accept_list, {.type = &xsd::any_uri}),
        field<&T::block_list>(callhandling::names::block_list, {.type = &xsd::any_uri}),
        field<&T::forward_list>(callhandling::names::forward_list),
        field<&T::forward>(callhandling::names::forward),
        field<&T::voice_interaction>(callhandling::names::voice_interaction),
        field<&T::voice_interaction_too>(callhandling::names::voice_interaction_too),
    };
    // A set of which nothing is understood would replace the former one by none.
    static constexpr Type type =
        complex_type<T>("CallHandlingRules", Home::types, fields, UnknownChildren::skipped_beside_known);
};

template <>
struct soap::Describe<callhandling::SetRules> {
    using T = callhandling::SetRules;
    static constexpr Field fields[]{
        field<&T::address>(callhandling::names::address, {.type = &xsd::any_uri}),
        field<&T::rules>(callhandling::names::rules),
    };
    static constexpr Type type = complex_type<T>("SetRules", Home::local, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::SetRulesForGroup> {
    using T = callhandling::SetRulesForGroup;
    static constexpr Field fields[]{
        field<&T::addresses>(callhandling::names::addresses, {.type = &xsd::any_uri, .min = 1}),
        field<&T::rules>(callhandling::names::rules),
    };
    static constexpr Type type =
        complex_type<T>("SetRulesForGroup", Home::local, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::ServiceError> {
    using T = callhandling::ServiceError;
    static constexpr Field fields[]{
        field<&T::message_id>("messageId"),
        field<&T::text>("text"),
        field<&T::variables>("variables"),
    };
    static constexpr Type type = complex_type<T>("ServiceError", Home::common, fields);
};

template <>
struct soap::Describe<callhandling::SetRulesResult> {
    using T = callhandling::SetRulesResult;
    static constexpr Field fields[]{
        field<&T::address>(callhandling::names::address, {.type = &xsd::any_uri}),
        field<&T::success>(callhandling::names::success),
        field<&T::error>(callhandling::names::error_information),
    };
    static constexpr Type type =
        complex_type<T>("SetRulesResult", Home::types, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::SetRulesResults> {
    using T = callhandling::SetRulesResults;
    static constexpr Field fields[]{field<&T::result>(callhandling::names::result)};
    static constexpr Type type =
        complex_type<T>("SetRulesResults", Home::local, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::GetRules> {
    using T = callhandling::GetRules;
    static constexpr Field fields[]{
        field<&T::address>(callhandling::names::address, {.type = &xsd::any_uri})};
    static constexpr Type type = complex_type<T>("GetRules", Home::local, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::Rules> {
    using T = callhandling::Rules;
    static constexpr Field fields[]{field<&T::result>(callhandling::names::result)};
    static constexpr Type type = complex_type<T>("Rules", Home::local, fields, UnknownChildren::skipped);
};

template <>
struct soap::Describe<callhandling::ClearRules> {
    using T = callhandling::ClearRules;
    static constexpr Field fields[]{
        field<&T::addresses>(callhandling::names::addresses, {.type = &xsd::any_uri, .min = 1})};
    static constexpr Type type = complex_type<T>("ClearRules", Home::local, fields, UnknownChildren::skipped);
};

namespace callhandling {

inline constexpr soap::Version versions[]{
    {.name = "v2_0",
     .number = {2, 0},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_handling/v2_0/local",
     .types = "http://www.csapi.org/schema/parlayx/call_handling/v2_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_handling/v2_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_handling/v2_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v2_1",
     .number = {2, 1},
     .common_number = {2, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_handling/v2_1/local",
     .types = "http://www.csapi.org/schema/parlayx/call_handling/v2_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_handling/v2_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_handling/v2_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v2_0/faults"},
    {.name = "v3_0",
     .number = {3, 0},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_handling/v3_0/local",
     .types = "http://www.csapi.org/schema/parlayx/call_handling/v3_0",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_handling/v3_0/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_handling/v3_0/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
    {.name = "v3_1",
     .number = {3, 1},
     .common_number = {3, 1},
     .local = "http://www.csapi.org/schema/parlayx/call_handling/v3_1/local",
     .types = "http://www.csapi.org/schema/parlayx/call_handling/v3_1",
     .common = "http://www.csapi.org/schema/parlayx/common/v3_1",
     .wsdl_interface = "http://www.csapi.org/wsdl/parlayx/call_handling/v3_1/interface",
     .wsdl_service = "http://www.csapi.org/wsdl/parlayx/call_handling/v3_1/service",
     .faults = "http://www.csapi.org/wsdl/parlayx/common/v3_0/faults"},
};

inline constexpr soap::OperationTable operations[]{
    soap::operation<SetRules>("setRules"),
    soap::operation<SetRulesForGroup, SetRulesResults>("setRulesForGroup"),
    soap::operation<GetRules, Rules>("getRules"),
    soap::operation<ClearRules>("clearRules"),
};

inline constexpr soap::Interface call_handling{.name = "CallHandling",
                                               .file_base = "parlayx_call_handling",
                                               .versions = versions,
                                               .operations = operations};

}  // namespace callhandling
