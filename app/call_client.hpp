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
    std::string party;
    std::string target;  ///< the session that a participant is transferred to
    bool all = false;    ///< every call of a user, whoever asks
};

// Each prints what became of it: 0 done, 1 refused. They throw PlainError when nobody could be asked.
int start_call(const CallOptions& options);
int show_call(const CallOptions& options);
int end_call(const CallOptions& options);
int add_participant(const CallOptions& options);
int drop_participant(const CallOptions& options);
int transfer_participant(const CallOptions& options);
/// Prints each change of a call and its parties until it has ended.
int watch_call(const CallOptions& options);
int trace_call(const CallOptions& options);

}  // namespace app
