// Whose account a call to an address goes to, and whether it may be called at all by who wants it to be.
#pragma once

#include "frontend/auth/limits.hpp"
#include "ledger/ledger.hpp"
#include "telephony/calls/local_domain.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

namespace calls {

/// What an address to be called leads to.
struct Called {
    std::string address;         ///< as its account has it; where it is nobody's, as it was
    ledger::AccountPtr account;  ///< null: none
    std::optional<ledger::Refusal> unknown_why;
};

/// At this server's own host, or with a port, an address may be spelled otherwise than its account has it.
[[nodiscard]] boost::asio::awaitable<Called> called_account(ledger::Ledger& ledger, const LocalDomain& local,
                                                            std::string address);

/// Does this let the callable address be called, however it is spelled? For what rules and applications have
/// called: those who made them may have no more called in that way than by themselves. The server's own lists
/// are another matter. A refusal: it could not be found out.
[[nodiscard]] boost::asio::awaitable<ledger::Result<bool>> passes(ledger::Ledger& ledger,
                                                                  const LocalDomain& local,
                                                                  const auth::CallScreen& screen,
                                                                  std::string address);

}  // namespace calls
