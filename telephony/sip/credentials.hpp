// Who we are to the gateway and the outbound proxy.
#pragma once

#include <string>

namespace sip {

struct Credentials {
    std::string user;  ///< empty: nobody's challenges are answered
    std::string password;
};

}  // namespace sip
