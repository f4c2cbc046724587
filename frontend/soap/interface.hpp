// Interfaces and their versions as data, and the catalogue that finds an operation by what stands in the SOAP
// body.
#pragma once

#include "frontend/soap/message.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace soap {

/// One version of an interface. The namespaces are data because the originals follow no formula (payment v3_1
/// has its types in v3_0, third_party_call v3_4 in common v3_1).
struct Version {
    std::string_view name;        ///< "v2_1": last path segment but one of `local`, and a segment of our URLs
    VersionNumber number;         ///< filters the fields of local and types structures
    VersionNumber common_number;  ///< filters the fields of common structures
    std::string_view local;       ///< requests and responses and their children
    std::string_view types;       ///< the service's structures; empty when it has none of its own
    std::string_view common;      ///< ChargingInformation, ServiceException, …
    std::string_view wsdl_interface;
    std::string_view wsdl_service;
    std::string_view faults;  ///< the WSDL namespace of the fault messages
};

/// The number in the version segment of a Parlay X namespace; nothing when it has none.
[[nodiscard]] std::optional<VersionNumber> version_in(std::string_view name_space);

/// The namespace with this number in its version segment; unchanged when it has none.
[[nodiscard]] std::string with_version(std::string_view name_space, VersionNumber number);

/// Who answers: we (served), or the applications that we call (called).
enum class Role : std::uint8_t { served, called };

/// One operation. Where versions differ in the shape of a message, the operation is listed once per shape.
struct OperationTable {
    std::string_view name;  ///< the request element; the response element is name + "Response"
    const Type* request = nullptr;
    const Type* response = nullptr;
    VersionRange versions{};
    std::span<const std::string_view>
        aliases{};  ///< other request elements, answered with alias + "Response"
    Role role = Role::served;
};

/// An operation from the C++ types of its messages.
template <class Request, class Response = Empty>
consteval OperationTable operation(std::string_view name, VersionRange versions = {},
                                   Role role = Role::served, std::span<const std::string_view> aliases = {}) {
    return {.name = name,
            .request = &Describe<Request>::type,
            .response = &Describe<Response>::type,
            .versions = versions,
            .aliases = aliases,
            .role = role};
}

/// A Parlay X interface (a WSDL portType) in all its versions.
struct Interface {
    std::string_view name;       ///< "AmountCharging": portType, port, and the last segment of our URLs
    std::string_view file_base;  ///< "parlayx_payment_amount_charging", as the standard names its files
    std::span<const Version> versions;  ///< ascending
    std::span<const OperationTable> operations;

    /// The operation of that version whose request element, or an alias of it, is `element`; null if there is
    /// none.
    [[nodiscard]] const OperationTable* find(const Version& version, std::string_view element) const;
};

/// One version of one interface.
struct Endpoint {
    const Interface* interface = nullptr;
    const Version* version = nullptr;
    bool operator==(const Endpoint&) const = default;
};

/// The interfaces that a server knows. Immutable after construction, so shared by threads freely.
class Catalogue {
  public:
    /// The interfaces must outlive the catalogue. Throws std::invalid_argument when two versions share a
    /// /local namespace.
    explicit Catalogue(std::vector<const Interface*> interfaces);

    [[nodiscard]] const std::vector<const Interface*>& interfaces() const { return interfaces_; }

    /// By the segments of a per-interface URL, e.g. ("v2_1", "AmountCharging"). A version that is not listed
    /// is served as resolve() says.
    [[nodiscard]] std::optional<Endpoint> find(std::string_view version, std::string_view interface) const;

    /// By the /local namespace of a request element. A version that is not listed, of a listed major version,
    /// is served by the nearest one: the next higher, else the highest below.
    [[nodiscard]] std::optional<Endpoint> resolve(std::string_view local_namespace) const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::vector<const Interface*> interfaces_;
    std::unordered_map<std::string, Endpoint, Hash, std::equal_to<>> by_namespace_;
};

}  // namespace soap
