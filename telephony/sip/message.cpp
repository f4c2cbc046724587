// Bodies and headers as strings.
#include "telephony/sip/message.hpp"

#include <arpa/inet.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <strings.h>

#include <algorithm>
#include <array>

namespace sip {
namespace {

constexpr unsigned long session_seconds_max = 24 * 3600;

template <class Header>
std::string text_of(const Header* header) {
    if (header == nullptr) return {};
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* text = ::sip_header_as_string(home, reinterpret_cast<const sip_header_t*>(header));
    std::string result = text != nullptr ? text : "";
    ::su_home_deinit(home);
    return result;
}

std::string host_of(const su_sockaddr_t& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = address.su_family == AF_INET6 ? static_cast<const void*>(&address.su_sin6.sin6_addr)
                                                      : static_cast<const void*>(&address.su_sin.sin_addr);
    const auto* done = ::inet_ntop(address.su_family, bytes, text.data(), text.size());
    return done != nullptr ? done : "";
}

std::string source_of(nta_incoming_s* request) {
    auto* message = ::nta_incoming_getrequest(request);
    if (message == nullptr) return {};
    auto result = host_of(*::msg_addr(message));
    ::msg_destroy(message);
    return result;
}

/// Without a quoted display name, which may have anything in it.
std::string_view after_name(std::string_view value) {
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (!value.starts_with('"')) return value;
    std::size_t at = 1;
    while (at < value.size() && value[at] != '"') at += value[at] == '\\' ? 2 : 1;
    value.remove_prefix(std::min(at + 1, value.size()));
    return value;
}

/// The URI of a name-addr or addr-spec.
std::string uri_in(std::string_view value) {
    value = after_name(value);
    if (const auto open = value.find('<'); open != std::string_view::npos)
        return std::string(value.substr(open + 1, value.find('>', open) - open - 1));
    return std::string(value.substr(0, value.find_first_of(" ;,")));
}

/// Written by hand: the library's own printing leaves the end of long ones out.
std::string credentials_of(const sip_authorization_t* header) {
    if (header == nullptr || header->au_scheme == nullptr) return {};
    std::string text = header->au_scheme;
    for (const auto* const* each = header->au_params; each != nullptr && *each != nullptr; ++each)
        text += (each == header->au_params ? " " : ", ") + std::string(*each);
    return text;
}

/// Whether its Privacy header has this value (RFC 3323, 4.2), a token, whose case does not matter.
bool asks_for(const sip_s* message, const char* value) {
    const auto* header = message->sip_privacy;
    if (header == nullptr) return false;
    for (const auto* const* each = header->priv_values; each != nullptr && *each != nullptr; ++each) {
        if (::strcasecmp(*each, value) == 0) return true;
    }
    return false;
}

bool wants_to_be_anonymous(const sip_s* message) {
    if (asks_for(message, "none")) return false;
    return asks_for(message, "id") || asks_for(message, "user") || asks_for(message, "header");
}

std::string without_quotes(const char* name) {
    std::string result = name != nullptr ? name : "";
    if (result.size() > 1 && result.front() == '"') result = result.substr(1, result.size() - 2);
    std::erase(result, '\\');
    return result;
}

}  // namespace

std::string text_of(const url_t* uri) {
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* text = ::url_as_string(home, uri);
    std::string result = text != nullptr ? text : "";
    ::su_home_deinit(home);
    return result;
}

std::string path_of(const sip_s* message) {
    std::string list;
    for (const auto* path = message->sip_path; path != nullptr; path = path->r_next)
        list += (list.empty() ? "<" : ", <") + text_of(path->r_url) + '>';
    return list;
}

std::string source_url(msg_s* message, const char* protocol) {
    const auto& address = *::msg_addr(message);
    const auto host = host_of(address);
    const bool stream = ::strcasecmp(protocol, "SIP/2.0/TCP") == 0;
    return "sip:" + (address.su_family == AF_INET6 ? '[' + host + ']' : host) + ':' +
           std::to_string(ntohs(address.su_port)) + (stream ? ";transport=tcp" : "");
}

std::string credential_lines(const sip_s* request) {
    std::string lines;
    const auto add = [&lines](const char* name, const msg_auth_t* first) {
        for (const auto* each = first; each != nullptr; each = each->au_next)
            lines += std::string(name) + ": " + text_of(each) + "\r\n";
    };
    add("Authorization", request->sip_authorization);
    add("Proxy-Authorization", request->sip_proxy_authorization);
    return lines;
}

calls::Sender sender_of(nta_incoming_s* request, const sip_s* message) {
    calls::Sender sender;
    sender.source = source_of(request);
    sender.from = text_of(message->sip_from->a_url);
    sender.from_name = without_quotes(message->sip_from->a_display);
    sender.authorization = credentials_of(message->sip_authorization);
    for (const auto* other = message->sip_unknown; other != nullptr; other = other->un_next) {
        if (::strcasecmp(other->un_name, "P-Asserted-Identity") == 0 && sender.asserted.empty())
            sender.asserted = uri_in(other->un_value);
    }
    sender.anonymous = wants_to_be_anonymous(message);
    return sender;
}

bool privacy_impossible(const sip_s* message) {
    // Media goes from phone to phone, and says where each of them is.
    return asks_for(message, "critical") && asks_for(message, "session");
}

DialogState called_dialog_state(const sip_s* invite, const char* tag) {
    DialogState state;
    state.call_id = invite->sip_call_id->i_id;
    state.from = text_of(invite->sip_to) + ";tag=" + tag;
    state.to = text_of(invite->sip_from);
    state.contact = text_of(invite->sip_contact);
    for (const auto* route = invite->sip_record_route; route != nullptr; route = route->r_next)
        state.record_routes.push_back(text_of(route));
    // Whoever was called sends along the routes as they stand; the caller, and set_route, turns them round.
    std::ranges::reverse(state.record_routes);
    return state;
}

std::string body_of(const sip_s* message) {
    const auto* payload = message != nullptr ? message->sip_payload : nullptr;
    return payload != nullptr && payload->pl_data != nullptr ? std::string(payload->pl_data, payload->pl_len)
                                                             : std::string();
}

std::string type_of(const sip_s* message) {
    const auto* type = message->sip_content_type;
    return type != nullptr && type->c_type != nullptr ? type->c_type : "";
}

bool is_sdp(const sip_s* message) { return ::strcasecmp(type_of(message).c_str(), "application/sdp") == 0; }

DialogState dialog_state_of(const sip_s* message) {
    DialogState state;
    state.call_id = message->sip_call_id->i_id;
    state.from = text_of(message->sip_from);
    state.to = text_of(message->sip_to);
    state.contact = text_of(message->sip_contact);
    for (const auto* route = message->sip_record_route; route != nullptr; route = route->r_next)
        state.record_routes.push_back(text_of(route));
    state.cseq = message->sip_cseq->cs_seq;
    return state;
}

DialogState invited_dialog_state(const sip_s* invite) {
    DialogState state;
    state.call_id = invite->sip_call_id->i_id;
    state.from = text_of(invite->sip_from);
    state.to = text_of(invite->sip_to);
    state.cseq = invite->sip_cseq->cs_seq;
    state.via = text_of(invite->sip_via);
    state.target = text_of(invite->sip_request->rq_url);
    state.route = text_of(invite->sip_route);
    return state;
}

void set_route(nta_leg_s* leg, const DialogState& state) {
    std::string routes;
    for (const auto& route : state.record_routes) routes += (routes.empty() ? "" : ", ") + route;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* route = routes.empty() ? nullptr : ::sip_record_route_make(home, routes.c_str());
    const auto* contact = state.contact.empty() ? nullptr : ::sip_contact_make(home, state.contact.c_str());
    ::nta_leg_client_reroute(leg, route, contact, 1);
    ::su_home_deinit(home);
}

std::optional<SessionExpires> session_expires_of(const sip_s* message) {
    const auto* header = message != nullptr ? message->sip_session_expires : nullptr;
    if (header == nullptr) return std::nullopt;
    SessionExpires result;
    result.interval = std::chrono::seconds(std::min<unsigned long>(header->x_delta, session_seconds_max));
    if (header->x_refresher != nullptr)
        result.caller_refreshes = ::strcasecmp(header->x_refresher, "uac") == 0;
    return result;
}

int answer_to_stranger(const sip_s* message) {
    switch (message->sip_request->rq_method) {
        case sip_method_options:
            return 200;
        case sip_method_bye:
        case sip_method_cancel:
            return 481;
        default:
            return 501;
    }
}

std::string name_addr(std::string name, const std::string& uri) {
    std::erase_if(name, [](unsigned char c) { return c == '"' || c == '\\' || c < 0x20; });
    return (name.empty() ? "<" : '"' + name + "\" <") + uri + '>';
}

std::string request_uri(const std::string& address, const std::string& gateway) {
    if (!address.starts_with("tel:")) return address;
    if (gateway.empty()) return {};
    return "sip:" + address.substr(4) + '@' + gateway + ";user=phone";
}

}  // namespace sip
