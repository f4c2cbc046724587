// The namespaces of SOAP and its companions.
#pragma once

#include "frontend/soap/fault.hpp"

#include <string_view>

namespace soap::names {

inline constexpr std::string_view envelope_1_1 = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view envelope_1_2 = "http://www.w3.org/2003/05/soap-envelope";

[[nodiscard]] constexpr std::string_view envelope(SoapVersion version) {
    return version == SoapVersion::v1_1 ? envelope_1_1 : envelope_1_2;
}

/// The common schema of Parlay X 2.1: what faults are said in before the version of a request is known.
inline constexpr std::string_view parlayx_common_2_1 = "http://www.csapi.org/schema/parlayx/common/v2_1";

}  // namespace soap::names
