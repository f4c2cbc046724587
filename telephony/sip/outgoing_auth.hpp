// Our answers to the challenges of the gateway and the outbound proxy (RFC 3261, 22; digest with MD5, RFC
// 2617).
#pragma once

#include "telephony/sip/credentials.hpp"

#include <sofia-sip/url.h>

struct auth_client_s;
struct sip_s;
struct su_home_s;
union msg_header_u;

namespace sip {

/// Of one dialog: what it was asked for is sent along with every further request.
class OutgoingAuth {
  public:
    explicit OutgoingAuth(Credentials credentials);
    ~OutgoingAuth();
    OutgoingAuth(const OutgoingAuth&) = delete;
    OutgoingAuth& operator=(const OutgoingAuth&) = delete;

    /// Takes up what a 401 or 407 asks for. False: there is nothing to answer with.
    [[nodiscard]] bool challenged(const sip_s* response);

    /// Authorization and Proxy-Authorization of a request, in `home`'s memory; null before a challenge.
    [[nodiscard]] msg_header_u* headers(su_home_s* home, const char* method, const url_t* target);

  private:
    Credentials credentials_;
    su_home_s* home_;
    auth_client_s* clients_ = nullptr;
};

}  // namespace sip
