// `ledgerline call`: third-party calls for people, over SOAP.
#pragma once

#include "app/soap_client.hpp"

#include <string>

namespace app {

struct CallOptions : ClientOptions {
    std::string calling;
    std::string called;
    std::string amount;  ///< empty: nothing is charged
    std::string currency;
    std::string id;
};

// Each prints what became of it: 0 done, 1 refused. They throw PlainError when nobody could be asked.
int start_call(const CallOptions& options);
int show_call(const CallOptions& options);
int end_call(const CallOptions& options);

}  // namespace app
