// What was said in a call's dialogs: a question that no SOAP operation can be asked (GET /ParlayX/calls/ID).
#pragma once

#include "frontend/auth/principal.hpp"

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>

namespace frontend {

struct TraceQuestion {
    auth::PrincipalPtr principal;  ///< never null
    std::string call;              ///< its identifier
};

/// Plain text; nothing for a call that is unknown, or somebody else's.
using CallTrace = std::function<boost::asio::awaitable<std::optional<std::string>>(TraceQuestion)>;

}  // namespace frontend
