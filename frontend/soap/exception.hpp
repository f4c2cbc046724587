// ServiceException and PolicyException as types of the common schema (ES 202 391-1, clause 8.4).
#pragma once

#include "frontend/soap/message.hpp"

#include <string>
#include <vector>

namespace soap {

/// The members that both have.
struct ExceptionDetail {
    std::string message_id;
    std::string text;
    std::vector<std::string> variables;
};

inline constexpr Field exception_fields[]{
    field<&ExceptionDetail::message_id>("messageId"),
    field<&ExceptionDetail::text>("text"),
    field<&ExceptionDetail::variables>("variables"),
};
inline constexpr Type service_exception =
    complex_type<ExceptionDetail>("ServiceException", Home::common, exception_fields);
inline constexpr Type policy_exception =
    complex_type<ExceptionDetail>("PolicyException", Home::common, exception_fields);

}  // namespace soap
