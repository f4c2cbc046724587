// Who wants to know of a call, or to change it.
#pragma once

#include "frontend/auth/principal.hpp"

#include <string>

namespace calls {

/// What is to be known of a principal for that, also by another node.
struct Reader {
    std::string login;
    std::string domain;
    bool administrator = false;

    static Reader of(const auth::Principal& principal) {
        return {principal.login(), principal.domain(), principal.kind() == auth::Kind::administrator};
    }
};

}  // namespace calls
