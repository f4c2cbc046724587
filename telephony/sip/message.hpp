// What is read from sofia-sip's messages.
#pragma once

#include "telephony/calls/reception.hpp"
#include "telephony/sip/dialog_state.hpp"
#include "telephony/sip/session_timer.hpp"

#include <sofia-sip/url.h>

#include <optional>
#include <string>

struct msg_s;
struct nta_incoming_s;
struct nta_leg_s;
struct sip_s;

namespace sip {

/// Empty when there is none, or no message.
[[nodiscard]] std::string body_of(const sip_s* message);
/// Its Content-Type, without parameters.
[[nodiscard]] std::string type_of(const sip_s* message);
/// Whether that is a session description's.
[[nodiscard]] bool is_sdp(const sip_s* message);
[[nodiscard]] std::string text_of(const url_t* uri);
/// The Path headers as one list; empty: there are none.
[[nodiscard]] std::string path_of(const sip_s* message);
/// Where a message came from, as a URI; `protocol` is its Via's, e.g. `SIP/2.0/TCP`.
[[nodiscard]] std::string source_url(msg_s* message, const char* protocol);
/// Its Authorization and Proxy-Authorization headers, whole lines.
[[nodiscard]] std::string credential_lines(const sip_s* request);
[[nodiscard]] calls::Sender sender_of(nta_incoming_s* request, const sip_s* message);
/// What its Privacy header asks for can't be had, and the caller would rather have no call (RFC 3323, 5:
/// critical).
[[nodiscard]] bool privacy_impossible(const sip_s* message);
/// Of the dialog that this INVITE makes when it is answered with our tag.
[[nodiscard]] DialogState called_dialog_state(const sip_s* invite, const char* tag);
/// Of the dialog that a 2xx to our INVITE made, or refreshed.
[[nodiscard]] DialogState dialog_state_of(const sip_s* message);
/// Of our INVITE that has no answer yet.
[[nodiscard]] DialogState invited_dialog_state(const sip_s* invite);
/// Sends what this leg sends where the dialog's requests go.
void set_route(nta_leg_s* leg, const DialogState& state);

/// What the session timer is to be (RFC 4028).
[[nodiscard]] std::optional<SessionExpires> session_expires_of(const sip_s* message);

/// The status for a request outside our dialogs that is no call and no registration.
[[nodiscard]] int answer_to_stranger(const sip_s* message);

/// A URI with the name before it, if there is one.
[[nodiscard]] std::string name_addr(std::string name, const std::string& uri);
/// The URI that a request for this address goes to; empty: there is no way.
[[nodiscard]] std::string request_uri(const std::string& address, const std::string& gateway);

}  // namespace sip
