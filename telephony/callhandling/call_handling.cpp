// The operations: whose rules, may the caller, what do they mean, written.
#include "telephony/callhandling/call_handling.hpp"

#include "telephony/callhandling/store.hpp"
#include "telephony/callhandling/translation.hpp"
#include "telephony/calls/called_account.hpp"

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace callhandling {
namespace {

using frontend::Call;
using frontend::Refused;
using soap::Fault;

Refused refused(Fault fault) { return {std::move(fault)}; }
Refused policy(std::string_view id, std::string_view part) {
    return refused(Fault::policy(id, {std::string(part)}));
}

/// Groups of other Parlay X services; there are none here.
bool is_group(std::string_view address) {
    const auto normal = ledger::normal_address(address);
    return normal.starts_with("group:") || normal.starts_with("grp:");
}

/// Why an account could not be found.
Refused refused_account(ledger::Refusal refusal, std::string_view part) {
    switch (refusal) {
        case ledger::Refusal::unknown_account:
        case ledger::Refusal::account_closed:
            return refused(Fault::service("SVC0004", {std::string(part)}));
        case ledger::Refusal::overloaded:
            return frontend::try_again(frontend::Code::overloaded);
        case ledger::Refusal::unavailable:
            return frontend::try_again(frontend::Code::database_unavailable);
        default:
            return refused(frontend::fault(frontend::Code::internal));
    }
}

std::size_t entries_of(const CallHandlingRules& given) {
    return given.accept_list.size() + given.block_list.size() + given.forward_list.size();
}

SetRulesResult result_of(std::string address, const Refused* refusal) {
    SetRulesResult result;
    result.address = std::move(address);
    result.success = refusal == nullptr;
    if (refusal != nullptr) result.error = {refusal->fault.id, refusal->fault.text, refusal->fault.variables};
    return result;
}

}  // namespace

CallHandling::CallHandling(Options options, ledger::Ledger& ledger, base::Database& database,
                           rules::RuleCache& cache)
    : options_(std::move(options)), ledger_(ledger), database_(database), cache_(cache) {}

frontend::Service CallHandling::service() {
    using Self = CallHandling;
    using enum auth::Permission;
    frontend::Service service(call_handling);
    service.serve<&Self::set_rules>(*this, "setRules", rules_change)
        .serve<&Self::set_rules_for_group>(*this, "setRulesForGroup", rules_change)
        .serve<&Self::get_rules>(*this, "getRules", rules_read)
        .serve<&Self::clear_rules>(*this, "clearRules", rules_change);
    return service;
}

/// The account of an address, when the caller may do this with it. `part`: the message part with the address.
asio::awaitable<CallHandling::Outcome<rules::Owner>> CallHandling::owner_of(const Call& call,
                                                                            std::string address,
                                                                            std::string_view part) {
    if (is_group(address)) co_return policy("POL0006", part);
    const auto located = co_await ledger_.locate(std::move(address));
    const auto& account = located.account;
    if (!account && account.error() != ledger::Refusal::unknown_account)
        co_return refused_account(account.error(), part);
    const auto domain = account ? std::optional<std::string_view>((*account)->domain) : std::nullopt;
    if (auto fault = frontend::refusal(call, domain, located.address)) co_return refused(std::move(*fault));
    if (!account) co_return refused_account(account.error(), part);
    co_return rules::Owner{(*account)->id, (*account)->domain};
}

asio::awaitable<CallHandling::Outcome<CallHandling::Set>> CallHandling::checked(const Call& call,
                                                                                CallHandlingRules given) {
    if (given.voice_interaction || given.voice_interaction_too)
        co_return refused(frontend::fault(frontend::Code::not_available));
    if (entries_of(given) > options_.entries_max) co_return policy("POL0003", names::rules);
    auto translated = translate(given, options_.numbers, options_.dial_plan);
    if (const auto* bad = std::get_if<BadAddress>(&translated))
        co_return refused(Fault::service("SVC0004", {bad->part}));
    Set set{std::move(given), std::get<std::vector<rules::Rule>>(std::move(translated))};
    for (const auto& rule : set.meaning) {
        const auto* redirect = std::get_if<rules::action::Redirect>(&rule.action);
        if (redirect == nullptr) continue;
        // Whom one may not call, one has nobody sent on to.
        const auto passes = co_await calls::passes(ledger_, options_.local, call.principal->limits().calls,
                                                   redirect->address);
        if (!passes) co_return refused_account(passes.error(), names::rules);
        if (!*passes) co_return refused(frontend::fault(frontend::Code::not_allowed));
    }
    co_return set;
}

asio::awaitable<void> CallHandling::write(std::vector<rules::Owner> owners, Set set) {
    const auto work = [&](base::sql::Session& session) {
        callhandling::write(session, owners, set.given, set.meaning);
    };
    co_await database_.run(work);
    // The database tells the nodes; this one may be called before it hears that.
    for (const auto& owner : owners) cache_.forget(std::to_string(*owner.account));
}

CallHandling::Handled<soap::Empty> CallHandling::set_rules(const Call& call, SetRules request) {
    auto owner = co_await owner_of(call, std::move(request.address), names::address);
    if (auto* refusal = std::get_if<Refused>(&owner)) co_return std::move(*refusal);
    auto set = co_await checked(call, std::move(request.rules));
    if (auto* refusal = std::get_if<Refused>(&set)) co_return std::move(*refusal);
    std::vector<rules::Owner> owners;
    owners.push_back(std::get<rules::Owner>(std::move(owner)));
    co_await write(std::move(owners), std::get<Set>(std::move(set)));
    co_return soap::Empty();
}

CallHandling::Handled<SetRulesResults> CallHandling::set_rules_for_group(const Call& call,
                                                                         SetRulesForGroup request) {
    if (request.addresses.size() > options_.addresses_max) co_return policy("POL0003", names::addresses);
    const auto forbidden = frontend::fault(frontend::Code::not_allowed);
    std::vector<rules::Owner> owners;
    SetRulesResults response;
    std::size_t strangers = 0;
    for (const auto& address : request.addresses) {
        auto owner = co_await owner_of(call, address, names::addresses);
        auto* refusal = std::get_if<Refused>(&owner);
        if (refusal != nullptr && refusal->try_again) co_return std::move(*refusal);
        if (refusal != nullptr && refusal->fault.variables == forbidden.variables) ++strangers;
        response.result.push_back(result_of(address, refusal));
        if (refusal == nullptr) owners.push_back(std::get<rules::Owner>(std::move(owner)));
    }
    if (strangers == request.addresses.size()) co_return refused(forbidden);
    auto set = co_await checked(call, std::move(request.rules));
    if (auto* refusal = std::get_if<Refused>(&set)) co_return std::move(*refusal);
    co_await write(std::move(owners), std::get<Set>(std::move(set)));
    co_return response;
}

CallHandling::Handled<Rules> CallHandling::get_rules(const Call& call, GetRules request) {
    auto owner = co_await owner_of(call, std::move(request.address), names::address);
    if (auto* refusal = std::get_if<Refused>(&owner)) co_return std::move(*refusal);
    const auto account = *std::get<rules::Owner>(owner).account;
    const auto work = [account](base::sql::Session& session) { return read(session, account); };
    Rules response;
    response.result = co_await database_.run(work);
    co_return response;
}

CallHandling::Handled<soap::Empty> CallHandling::clear_rules(const Call& call, ClearRules request) {
    if (request.addresses.size() > options_.addresses_max) co_return policy("POL0003", names::addresses);
    std::vector<rules::Owner> owners;
    for (const auto& address : request.addresses) {
        auto owner = co_await owner_of(call, address, names::addresses);
        if (auto* refusal = std::get_if<Refused>(&owner)) co_return std::move(*refusal);
        owners.push_back(std::get<rules::Owner>(std::move(owner)));
    }
    co_await write(std::move(owners), Set());
    co_return soap::Empty();
}

}  // namespace callhandling
