// Bodies and headers as strings.
#include "telephony/sip/message.hpp"

#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>

namespace sip {
namespace {

template <class Header>
std::string text_of(const Header* header) {
    if (header == nullptr) return {};
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* text = ::sip_header_as_string(home, reinterpret_cast<const sip_header_t*>(header));
    std::string result = text != nullptr ? text : "";
    ::su_home_deinit(home);
    return result;
}

}  // namespace

std::string body_of(const sip_s* message) {
    const auto* payload = message != nullptr ? message->sip_payload : nullptr;
    return payload != nullptr && payload->pl_data != nullptr ? std::string(payload->pl_data, payload->pl_len)
                                                             : std::string();
}

std::string type_of(const sip_s* message) {
    const auto* type = message->sip_content_type;
    return type != nullptr && type->c_type != nullptr ? type->c_type : "";
}

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

void set_route(nta_leg_s* leg, const DialogState& state) {
    std::string routes;
    for (const auto& route : state.record_routes) routes += (routes.empty() ? "" : ", ") + route;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    const auto* route = routes.empty() ? nullptr : ::sip_record_route_make(home, routes.c_str());
    const auto* contact = state.contact.empty() ? nullptr : ::sip_contact_make(home, state.contact.c_str());
    ::nta_leg_client_reroute(leg, route, contact, 1);
    ::su_home_deinit(home);
}

int answer_to_stranger(const sip_s* message) {
    switch (message->sip_request->rq_method) {
        case sip_method_options:
            return 200;
        case sip_method_ack:
            return 0;
        case sip_method_bye:
        case sip_method_cancel:
            return 481;
        case sip_method_invite:
            return 404;
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
