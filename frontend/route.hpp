// What a request's target means to us.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace frontend {

struct Route {
    enum class Kind : std::uint8_t {
        any_service,     ///< /ParlayX/: the operation is found by the body
        one_service,     ///< /ParlayX/VERSION/INTERFACE
        request_status,  ///< /ParlayX/requests/REFERENCE: what became of it
        call_trace,      ///< /ParlayX/calls/REFERENCE: what was said in its dialogs
        astray,          ///< anything else under /ParlayX
        health,          ///< /healthz
        readiness,       ///< /readyz
        metrics,         ///< /metrics
        nodes,           ///< /nodes: what other servers ask this one
        nothing,
    };

    Kind kind = Kind::nothing;
    std::string_view version;    ///< of one_service, e.g. `v2_1`
    std::string_view interface;  ///< of one_service, e.g. `AmountCharging`
    std::string_view reference;  ///< of request_status and call_trace, percent-encoded
    std::string_view path;       ///< without the query
    std::string_view query;      ///< what follows `?`

    /// Requests here are answered in SOAP's terms, whatever goes wrong.
    [[nodiscard]] bool speaks_soap() const {
        return kind == Kind::any_service || kind == Kind::one_service || kind == Kind::astray;
    }
    /// What machines ask again and again.
    [[nodiscard]] bool is_probe() const {
        return kind == Kind::health || kind == Kind::readiness || kind == Kind::metrics;
    }
    bool operator==(const Route&) const = default;
};

/// Takes origin form (`/ParlayX/…`) and absolute form (`http://host/ParlayX/…`; RFC 9112, 3.2). A trailing
/// slash does not matter.
[[nodiscard]] Route find_route(std::string_view target);

/// Nothing when a percent sign is not followed by two hexadecimal digits (RFC 3986, 2.1). A plus stays one:
/// telephone numbers have it.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// The value of a query's parameter, decoded; nothing when it is missing or malformed.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace frontend
