// Structures of Parlay X's common schema that concern calls: what a call costs, and its media.
//
// Sources: ES 202 391-1, clause 8 (common/v2_0, v2_1); ES 202 504-1 (common/v3_1).
#pragma once

#include "base/decimal.hpp"
#include "frontend/soap/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace applications {

/// common:ChargingInformation: what the call costs.
struct Charging {
    std::string description;
    std::optional<std::string> currency;
    std::optional<base::Decimal> amount;
    std::optional<std::string> code;
    bool operator==(const Charging&) const = default;
};

enum class Media : std::uint8_t { audio, video, chat, data };
enum class MediaDirection : std::uint8_t { in, out, in_out };

struct MediaInfo {
    Media media = Media::audio;
    MediaDirection direction = MediaDirection::in_out;
    bool operator==(const MediaInfo&) const = default;
};

/// Versions of the common schema.
inline constexpr soap::VersionRange common_v2_0{.until = {2, 0}};
inline constexpr soap::VersionRange since_common_v2_1{.since = {2, 1}};

}  // namespace applications

template <>
struct soap::Describe<applications::Charging> {
    using T = applications::Charging;
    static constexpr Field fields[]{
        field<&T::description>("description", {.join = true}),
        field<&T::currency>("currency", {.min = 1, .versions = applications::common_v2_0}),
        field<&T::currency>("currency", {.versions = applications::since_common_v2_1}),
        field<&T::amount>("amount", {.min = 1, .versions = applications::common_v2_0}),
        field<&T::amount>("amount", {.versions = applications::since_common_v2_1}),
        field<&T::code>("code", {.min = 1, .versions = applications::common_v2_0}),
        field<&T::code>("code", {.versions = applications::since_common_v2_1}),
    };
    static constexpr Type type = complex_type<T>("ChargingInformation", Home::common, fields);
};

template <>
struct soap::Describe<applications::Media> {
    static constexpr std::string_view literals[]{"Audio", "Video", "Chat", "Data"};
    static constexpr Type type = enumeration_type<applications::Media>("Media", Home::common, literals);
};

template <>
struct soap::Describe<applications::MediaDirection> {
    static constexpr std::string_view literals[]{"In", "Out", "InOut"};
    static constexpr Type type =
        enumeration_type<applications::MediaDirection>("MediaDirection", Home::common, literals);
};

template <>
struct soap::Describe<applications::MediaInfo> {
    using T = applications::MediaInfo;
    static constexpr Field fields[]{field<&T::media>("media"), field<&T::direction>("mediaDirection")};
    static constexpr Type type = complex_type<T>("MediaInfo", Home::common, fields);
};
