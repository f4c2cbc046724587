// What we publish about an interface: its WSDL and schemas, written from the same tables that decode and
// encode.
#pragma once

#include "frontend/soap/interface.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace soap {

/// One WSDL 1.1 document with every schema inline and nothing to import: what every tested client reads, from
/// a file as well as through a proxy. Document/literal wrapped, SOAP 1.1 binding, soapAction "", both faults
/// on each operation. `address` is the URL of the port.
[[nodiscard]] std::string wsdl(const Endpoint& endpoint, std::string_view address);

/// One of the schemas alone, for validators: `name` is "local", "types" or "common". Its imports are
/// `?xsd=NAME`, relative to the URL that served it. Nothing for another name, or when the version has no such
/// schema.
[[nodiscard]] std::optional<std::string> schema(const Endpoint& endpoint, std::string_view name);

}  // namespace soap
