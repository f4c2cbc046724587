// On sofia-sip's digest client.
#include "telephony/sip/outgoing_auth.hpp"

#include <sofia-sip/auth_client.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>

#include <utility>

namespace sip {

OutgoingAuth::OutgoingAuth(Credentials credentials)
    : credentials_(std::move(credentials)),
      home_(static_cast<su_home_t*>(::su_home_new(sizeof(su_home_t)))) {}

OutgoingAuth::~OutgoingAuth() { ::su_home_unref(home_); }

bool OutgoingAuth::challenged(const sip_s* response) {
    if (response == nullptr) return false;
    const auto take = [this, response] {
        const auto news = [this](const msg_auth_t* challenge, msg_hclass_t* answer) {
            return challenge != nullptr && ::auc_challenge(&clients_, home_, challenge, answer) > 0;
        };
        const bool one = news(response->sip_www_authenticate, sip_authorization_class);
        const bool other = news(response->sip_proxy_authenticate, sip_proxy_authorization_class);
        return one || other;
    };
    if (!take()) {
        // To sofia-sip the password is wrong; but many a server forgets its nonces and does not say `stale`.
        ::su_home_unref(home_);
        home_ = static_cast<su_home_t*>(::su_home_new(sizeof(su_home_t)));
        clients_ = nullptr;
        if (!take()) return false;
    }
    // Not Basic, which would tell the password.
    ::auc_all_credentials(&clients_, "Digest", nullptr, credentials_.user.c_str(),
                          credentials_.password.c_str());
    return ::auc_has_authorization(&clients_) > 0;
}

msg_header_u* OutgoingAuth::headers(su_home_s* home, const char* method, const url_t* target) {
    msg_header_t* list = nullptr;
    if (clients_ == nullptr ||
        ::auc_authorization_headers(&clients_, home, method, target, nullptr, &list) <= 0)
        return nullptr;
    return list;
}

}  // namespace sip
