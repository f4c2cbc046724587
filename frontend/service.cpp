// Registration of handlers, and the faults that all services share.
#include "frontend/service.hpp"

#include <algorithm>
#include <stdexcept>

namespace frontend {

std::string_view to_string(Code code) {
    switch (code) {
        case Code::internal:
            return "internal";
        case Code::overloaded:
            return "overloaded";
        case Code::database_unavailable:
            return "database-unavailable";
        case Code::bridge_unavailable:
            return "bridge-unavailable";
        case Code::node_unavailable:
            return "node-unavailable";
        case Code::too_many_failures:
            return "too-many-failures";
        case Code::not_authenticated:
            return "not-authenticated";
        case Code::not_allowed:
            return "not-allowed";
        case Code::over_limit:
            return "over-limit";
        case Code::not_available:
            return "not-available";
    }
    return "internal";
}

soap::Fault fault(Code code) {
    switch (code) {
        case Code::too_many_failures:
        case Code::not_authenticated:
        case Code::not_allowed:
        case Code::over_limit:
        case Code::not_available:
            return soap::Fault::policy("POL0001", {std::string(to_string(code))});
        case Code::internal:
        case Code::overloaded:
        case Code::database_unavailable:
        case Code::bridge_unavailable:
        case Code::node_unavailable:
            break;
    }
    return soap::Fault::service("SVC0001", {std::string(to_string(code))});
}

Refused try_again(Code code) { return {fault(code), true}; }

std::optional<soap::Fault> refusal(const Call& call, auth::Permission permission,
                                   std::optional<std::string_view> domain, std::string_view address) {
    const bool allowed = domain ? call.principal->allows(permission, *domain, address)
                                : call.principal->ever_allows(permission, address);
    if (!allowed) return fault(Code::not_allowed);
    if (!call.principal->limits().admits_address(address)) return fault(Code::over_limit);
    return std::nullopt;
}

std::optional<soap::Fault> refusal(const Call& call, std::optional<std::string_view> domain,
                                   std::string_view address) {
    return refusal(call, call.permission, domain, address);
}

void Service::add(std::string_view name, const soap::Type& request, const soap::Type& response,
                  Operation operation) {
    const auto what = std::string(interface_->name) + '.' + std::string(name);
    bool found = false, other_response = false;
    for (const auto& table : interface_->operations) {
        if (table.name != name || table.role != soap::Role::served) continue;
        if (table.request->storage != request.storage) continue;
        if (table.response->storage != response.storage) {
            other_response = true;  // of other versions, perhaps
            continue;
        }
        if (std::ranges::find(operations_, &table, &Operation::table) != operations_.end()) {
            throw std::logic_error(what + ": two handlers for one shape");
        }
        operation.table = &table;
        operations_.push_back(operation);
        found = true;
    }
    if (!found && other_response)
        throw std::logic_error(what + ": the handler's response is not the table's");
    if (!found) throw std::logic_error(what + ": no such operation with the handler's request");
}

void Service::check_complete() const {
    for (const auto& table : interface_->operations) {
        if (table.role != soap::Role::served) continue;
        if (std::ranges::find(operations_, &table, &Operation::table) == operations_.end()) {
            throw std::logic_error(std::string(interface_->name) + '.' + std::string(table.name) +
                                   ": no handler");
        }
    }
}

}  // namespace frontend
