// Parlay X Call Handling (ES 202 391-10): clients set what is done with calls to an account, as Signal Rules.
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "telephony/callhandling/messages.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/rules/cache.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace callhandling {

class CallHandling {
  public:
    struct Options {
        ledger::NumberingPlan numbers;                          ///< of callers that are numbers without `+`
        calls::DialPlan dial_plan{calls::DialPlan::Options()};  ///< of targets
        calls::LocalDomain local{};                             ///< the spellings of theirs
        std::size_t entries_max = 1000;   ///< addresses in one set of rules; more get POL0003
        std::size_t addresses_max = 100;  ///< accounts of one request; more get POL0003
    };

    /// The references outlive this. What is changed here is dropped from `cache` at once.
    CallHandling(Options options, ledger::Ledger& ledger, base::Database& database, rules::RuleCache& cache);

    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    /// In place of what was set before. Rules that were made by other means stay.
    Handled<soap::Empty> set_rules(const frontend::Call& call, SetRules request);
    /// The same for several; each account has its own result. A fault where no address is the caller's to
    /// change, or the rules themselves are refused.
    Handled<SetRulesResults> set_rules_for_group(const frontend::Call& call, SetRulesForGroup request);
    /// Exactly what was set.
    Handled<Rules> get_rules(const frontend::Call& call, GetRules request);
    /// All accounts or none.
    Handled<soap::Empty> clear_rules(const frontend::Call& call, ClearRules request);

  private:
    template <class Value>
    using Outcome = std::variant<Value, frontend::Refused>;
    /// What the accounts get: the elements, and what they mean.
    struct Set {
        CallHandlingRules given;
        std::vector<rules::Rule> meaning;
    };

    boost::asio::awaitable<Outcome<rules::Owner>> owner_of(const frontend::Call& call, std::string address,
                                                           std::string_view part);
    boost::asio::awaitable<Outcome<Set>> checked(const frontend::Call& call, CallHandlingRules given);
    boost::asio::awaitable<void> write(std::vector<rules::Owner> owners, Set set);

    Options options_;
    ledger::Ledger& ledger_;
    base::Database& database_;
    rules::RuleCache& cache_;
};

}  // namespace callhandling
