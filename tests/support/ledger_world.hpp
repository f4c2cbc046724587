// A ledger and its oracle side by side, and random requests for both.
#pragma once

#include "ledger/posting.hpp"
#include "tests/support/ledger.hpp"
#include "tests/support/ledger_oracle.hpp"
#include "tests/support/ledger_requests.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tests {

/// From LEDGER_SEED, else from the system; printed, so that a run can be had again.
std::uint64_t seed_of_this_run();
/// From an environment variable.
std::size_t steps_of_this_run(const char* variable, std::size_t otherwise);

class World {
  public:
    /// `with_volumes`: some requests are of a volume in place of an amount; post_batch alone knows none.
    World(std::uint64_t seed, std::size_t accounts, bool with_volumes = false);

    LedgerBench& bench() { return bench_; }
    Oracle& oracle() { return oracle_; }

    /// A request that may be good, bad, old or a copy of an earlier one.
    Asked random_request();
    /// What undoes one that was asked for, be it accepted or not.
    Asked reversal_of(const Asked& of);
    /// Something that the operator or time does, to both; "" or what differed.
    std::string random_event();

    [[nodiscard]] Request request_of(const Asked& asked) const;
    [[nodiscard]] ledger::Posting posting_of(const Asked& asked);

    /// Tells of a hold that the ledger placed; its place is the oracle's.
    void add_hold(ledger::HoldId id) { hold_ids_.push_back(id); }
    [[nodiscard]] const ledger::HoldId& hold_id(std::size_t hold) const { return hold_ids_.at(hold); }
    [[nodiscard]] std::size_t holds() const { return hold_ids_.size(); }
    [[nodiscard]] const ledger::AccountPtr& account(std::size_t index) const { return accounts_.at(index); }
    [[nodiscard]] std::size_t accounts() const { return accounts_.size(); }

    /// "" or how the tables and the oracle differ for these accounts.
    std::string compare(const std::vector<std::size_t>& accounts);
    /// The same for all, contra totals and the ledger's rules too.
    std::string compare_all();
    /// The accounts that a request may change.
    [[nodiscard]] static std::vector<std::size_t> touched(const Asked& asked);

    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    std::size_t below(std::size_t bound) { return random_() % bound; }

  private:
    void open_account();
    void choose_balance(Asked& asked);
    void choose_amount(Asked& asked);
    void choose_volume(Asked& asked);
    [[nodiscard]] Request volume_request_of(const Asked& asked) const;
    [[nodiscard]] ledger::HoldPtr hold_of(const Asked& asked) const;
    void choose_charge(Asked& asked);
    void choose_undone(Asked& asked);
    void undo(Asked& asked, const Asked& of);
    Asked remember(Asked asked);
    std::string change_account(std::size_t index);
    std::string sweep(std::size_t index);
    [[nodiscard]] std::string where(std::size_t index) const;
    static ledger::Options with_full_lanes();

    std::mt19937_64 random_;
    bool with_volumes_;
    LedgerBench bench_;
    base::sql::Session session_;
    Oracle oracle_;
    std::string start_;
    std::int32_t shop_ = 0;
    std::vector<ledger::AccountPtr> accounts_;
    std::vector<ledger::HoldId> hold_ids_;
    std::vector<Asked> asked_before_;
    std::size_t references_ = 0;
};

}  // namespace tests
