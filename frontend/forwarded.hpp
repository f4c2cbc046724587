// Who and what a proxy says that a request came from: X-Forwarded-For, -Proto and -Host, from proxies that
// are trusted, and from nobody else.
#pragma once

#include "frontend/http/message.hpp"
#include "frontend/http/networks.hpp"

#include <string>
#include <string_view>

namespace frontend {

/// The client's address: the last one in X-Forwarded-For that is no trusted proxy's; the connection's where
/// that is not one's own proxy. A view into the request.
[[nodiscard]] std::string_view client_address(const http::Request& request, const http::Networks& proxies);

/// The URL that the client called this server by, without path and slash: `https://billing.example.com`.
[[nodiscard]] std::string called_url(const http::Request& request, const http::Networks& proxies);

}  // namespace frontend
