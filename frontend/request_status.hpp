// What became of a request: a question that no SOAP operation can be asked (GET /ParlayX/requests/REFERENCE).
#pragma once

#include "frontend/auth/principal.hpp"

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

namespace frontend {

struct StatusQuestion {
    auth::PrincipalPtr principal;  ///< never null; about its own requests only
    std::string reference;
    std::string address;  ///< as the client spelled it
};

struct StatusAnswer {
    unsigned status = 200;  ///< of HTTP; 503: try again
    std::string json;
};

using RequestStatus = std::function<boost::asio::awaitable<StatusAnswer>(StatusQuestion)>;

}  // namespace frontend
