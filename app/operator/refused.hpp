// What the operator is told when the ledger does not do as asked.
#pragma once

#include "base/sql.hpp"
#include "ledger/outcome.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace app {

/// A refusal: nothing was changed. what() says why, in plain words; exit status 1.
class Refused : public std::runtime_error {
  public:
    Refused(std::string_view outcome, const std::string& why) : std::runtime_error(why), outcome_(outcome) {}
    Refused(ledger::Refusal refusal, const std::string& why) : Refused(to_string(refusal), why) {}
    /// In the words of reason_of.
    explicit Refused(ledger::Refusal refusal);

    /// For programs: a name of ledger.outcome, or one of these commands' own, e.g. `address_taken`.
    [[nodiscard]] const std::string& outcome() const { return outcome_; }

  private:
    std::string outcome_;
};

/// A refusal in plain words, e.g. "the account is closed".
[[nodiscard]] std::string_view reason_of(ledger::Refusal refusal);

/// What a function of ours raised, without what PostgreSQL writes around it.
[[nodiscard]] std::string raised_text(const base::sql::Error& error);

}  // namespace app
