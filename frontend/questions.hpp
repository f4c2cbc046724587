// Answers to GETs: plain texts, and what no SOAP operation can be asked.
#pragma once

#include "frontend/call_trace.hpp"
#include "frontend/http/server.hpp"
#include "frontend/request_status.hpp"
#include "frontend/route.hpp"

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

namespace frontend {

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

/// The text and a line's end.
[[nodiscard]] http::Response text_response(unsigned status, std::string text);

/// 404 when nobody can be asked. The route outlives the answer.
[[nodiscard]] boost::asio::awaitable<http::Response> status_response(const RequestStatus& ask,
                                                                     auth::PrincipalPtr principal,
                                                                     const Route& route);
[[nodiscard]] boost::asio::awaitable<http::Response> trace_response(const CallTrace& ask,
                                                                    auth::PrincipalPtr principal,
                                                                    const Route& route);

}  // namespace frontend
