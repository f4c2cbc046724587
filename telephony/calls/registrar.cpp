// Checks first, then one statement that does all of it or nothing.
#include "telephony/calls/registrar.hpp"

#include <algorithm>
#include <utility>

namespace calls {
namespace {

constexpr auto retry_later = "Retry-After: 5";

/// Thousandths as a q-value: 0.7.
std::string q_value(int q) {
    auto digits = std::to_string(q % 1000 + 1000).substr(1);
    while (digits.size() > 1 && digits.ends_with('0')) digits.pop_back();
    return std::to_string(q / 1000) + '.' + digits;
}

Response failure(Locations::Refusal refusal) {
    switch (refusal) {
        case Locations::Refusal::out_of_order:
            // RFC 3261, 10.3 (7): the update is aborted, and the request fails.
            return {500, "Out of Order", {}};
        case Locations::Refusal::too_many:
            return {403, "Too Many Contacts", {}};
        case Locations::Refusal::unavailable:
            break;
    }
    return {503, {}, {retry_later}};
}

}  // namespace

Registrar::Registrar(Options options, Door& door, ledger::Ledger& ledger, Locations& locations,
                     Registrations& network, base::Logger log)
    : options_(std::move(options)),
      door_(door),
      ledger_(ledger),
      locations_(locations),
      network_(network),
      log_(std::move(log)) {}

boost::asio::awaitable<Response> Registrar::handle(IncomingRegister request) {
    const auto admitted = co_await door_.admit(request.sender, "REGISTER", false);
    if (const auto* response = std::get_if<Response>(&admitted)) co_return *response;
    const auto& principal = std::get<Door::Visitor>(admitted).principal;
    const auto account = co_await account_of(principal, request.address);
    if (!account) {
        if (account.error() == ledger::Refusal::unknown_account) co_return Response{403, {}, {}};
        co_return Response{503, {}, {retry_later}};
    }
    if (!may_lead_to_telephones(request.path)) co_return Response{403, "Path Not Allowed", {}};
    auto refused = set_expiries(request);
    if (refused.status != 0) co_return refused;
    const auto path = request.path_supported ? request.path : std::string();
    const auto id = (*account)->id;
    const auto flow = request.flow;
    auto update = co_await locations_.update(id, std::move(request), options_.contacts_max);
    if (update.refusal) co_return failure(*update.refusal);
    if (!update.left.empty()) network_.move(std::move(update.left), flow);
    Response response;
    response.status = 200;
    for (const auto& binding : update.bindings) {
        response.headers.push_back("Contact: <" + binding.contact + ">;q=" + q_value(binding.q) +
                                   ";expires=" + std::to_string(binding.seconds));
    }
    if (!path.empty()) response.headers.push_back("Path: " + path);
    log_.debug("registered", {{"user", principal->login()}, {"contacts", update.bindings.size()}});
    co_return response;
}

/// The account of an address of record, if it is the user's own.
boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> Registrar::account_of(auth::PrincipalPtr principal,
                                                                                 std::string address) {
    for (const auto& reading : options_.local.readings(address)) {
        if (principal->owns(reading)) co_return co_await ledger_.find(reading);
    }
    co_return ledger::Refusal::unknown_account;
}

/// Every contact gets its expiry. A status other than 0: what is wrong with them.
Response Registrar::set_expiries(IncomingRegister& request) const {
    const auto given = request.expires;
    constexpr std::chrono::seconds none{0};
    if (request.every_contact) {
        const bool alone = request.contacts.empty() && given == none;
        return alone ? Response{} : Response{400, "Contact * goes alone, with Expires 0", {}};
    }
    for (auto& contact : request.contacts) {
        auto expires = contact.expires.value_or(given.value_or(options_.expires_default));
        if (expires > none && expires < options_.expires_min) {
            const auto least = std::to_string(options_.expires_min.count());
            return {423, {}, {"Min-Expires: " + least}};
        }
        expires = std::min(expires, options_.expires_max);
        contact.expires = expires;
        if (expires > none && !may_be_called(contact.uri)) return {403, "Contact Not Allowed", {}};
    }
    return {};
}

/// A contact is called like any address: it is no way round the rules on where calls may go.
bool Registrar::may_be_called(const std::string& contact) const {
    const auto address = options_.dial_plan.callable(contact);
    if (!address || !address->starts_with("sip:")) return false;
    // Nobody is registered at the gateway: calls to such a contact would cost others money.
    return !options_.destinations.at_gateway(*address) && !options_.destinations.denied(*address) &&
           !options_.local.is_ours(*address);
}

/// Calls take a path whatever their contact says, so it is no way round either.
bool Registrar::may_lead_to_telephones(std::string_view path) const {
    for (auto begin = path.find('<'); begin != std::string_view::npos; begin = path.find('<', begin + 1)) {
        const auto uri = path.substr(begin + 1, path.find('>', begin) - begin - 1);
        const auto hop = options_.dial_plan.callable(uri);
        if (!hop || !hop->starts_with("sip:") || options_.destinations.at_gateway(*hop)) return false;
    }
    return true;
}

}  // namespace calls
