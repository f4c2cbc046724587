// Accounts by every spelling of an address.
#include "telephony/calls/called_account.hpp"

#include "telephony/calls/destinations.hpp"

#include <algorithm>
#include <utility>

namespace calls {

boost::asio::awaitable<Called> called_account(ledger::Ledger& ledger, const LocalDomain& local,
                                              std::string address) {
    Called called{std::move(address), nullptr, {}};
    // Where the call goes to nobody's account, none is looked for.
    if (!local.may_be_account(called.address)) co_return called;
    for (const auto& reading : local.readings(called.address)) {
        const auto account = co_await ledger.find(reading);
        if (account) {
            called.address = reading;
            called.account = *account;
            break;
        }
        if (account.error() == ledger::Refusal::unknown_account) continue;
        called.unknown_why = account.error();
        break;
    }
    co_return called;
}

boost::asio::awaitable<ledger::Result<bool>> passes(ledger::Ledger& ledger, const LocalDomain& local,
                                                    const auth::CallScreen& screen, std::string address) {
    auto spellings = local.readings(address);
    spellings.push_back(address);
    const auto begins = [&](const std::vector<std::string>& prefixes) {
        return std::ranges::any_of(spellings,
                                   [&](const std::string& each) { return starts_with_any(each, prefixes); });
    };
    if (begins(screen.deny)) co_return false;
    if (screen.allow.empty() || begins(screen.allow)) co_return true;
    const auto called = co_await called_account(ledger, local, std::move(address));
    if (called.unknown_why) co_return *called.unknown_why;
    co_return called.account != nullptr;
}

}  // namespace calls
