// What was said in a call's dialogs: a question that no SOAP operation can be asked (GET /ParlayX/calls/ID).
#pragma once

#include "frontend/auth/principal.hpp"

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

namespace frontend {

struct TraceQuestion {
    auth::PrincipalPtr principal;  ///< never null
    std::string call;              ///< its identifier
};

struct TraceAnswer {
    unsigned status = 200;  ///< of HTTP; 404: a call that is unknown, or somebody else's; 503: try again
    std::string text;
};

using CallTrace = std::function<boost::asio::awaitable<TraceAnswer>(TraceQuestion)>;

}  // namespace frontend
