// What we publish about an interface: its WSDL and schemas, written from the same tables that decode and
// encode.
#pragma once

#include "frontend/soap/interface.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace soap {

/// The document that the query of a per-interface URL asks for:
///
///     wsdl             the service WSDL: binding (SOAP 1.1, document/literal, soapAction "") and port
///     wsdl=interface   the interface WSDL: messages, portType, and the /local schema inline
///     wsdl=faults      the fault messages that every operation declares
///     sample=OPERATION an example request, for people
///     xsd=local, xsd=types, xsd=common   the schemas; types only where the version has structures of its own
///
/// They import each other as the standard's own files do, by absolute URLs made from `address`, which is the
/// URL of the port without a query. Keys are case-insensitive (some clients ask for ?WSDL). Nothing for any
/// other query.
[[nodiscard]] std::optional<std::string> published_document(const Endpoint& endpoint, std::string_view query,
                                                            std::string_view address);

}  // namespace soap
