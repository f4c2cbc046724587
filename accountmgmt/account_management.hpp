// Parlay X AccountManagement: what applications and subscribers ask of an account, and how they top it up
// (ES 202 391-7 clause 8.1).
#pragma once

#include "accountmgmt/messages.hpp"
#include "accountmgmt/pins.hpp"
#include "frontend/service.hpp"
#include "ledger/ledger.hpp"

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace accountmgmt {

class AccountManagement {
  public:
    struct Options {
        bool vouchers_accepted = true;  ///< the standard's service policy VouchersAccepted; else POL0220
    };

    /// `ledger` and `pins` outlive this.
    AccountManagement(ledger::Ledger& ledger, Pins& pins, Options options)
        : ledger_(ledger), pins_(pins), options_(options) {}

    /// The interface with these handlers.
    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    // Until v2_1: the default balance is the only one that is spoken of.
    Handled<SingleBalance> get_single_balance(const frontend::Call& call, AccountQuestion request);
    Handled<SingleExpiryDate> get_single_expiry_date(const frontend::Call& call, AccountQuestion request);
    Handled<soap::Empty> update_single_balance(const frontend::Call& call, SingleBalanceUpdate request);

    Handled<Balances> get_balance(const frontend::Call& call, AccountQuestion request);
    Handled<ExpiryDates> get_credit_expiry_date(const frontend::Call& call, AccountQuestion request);
    Handled<BalanceTypes> get_balance_types(const frontend::Call& call, AccountQuestion request);
    Handled<soap::Empty> balance_update(const frontend::Call& call, BalanceUpdate request);

    // In all versions.
    Handled<soap::Empty> voucher_update(const frontend::Call& call, VoucherUpdate request);
    Handled<History> get_history(const frontend::Call& call, GetHistory request);

  private:
    template <class Value>
    using Outcome = std::variant<Value, frontend::Refused>;

    boost::asio::awaitable<Outcome<ledger::AccountPtr>> open(const frontend::Call& call,
                                                             ledger::Located located,
                                                             std::optional<std::string> pin);
    template <class Value, class Operation>
    boost::asio::awaitable<Outcome<Value>> on_account(const frontend::Call& call, std::string end_user,
                                                      std::optional<std::string> pin, Operation operation,
                                                      std::string voucher = {});
    boost::asio::awaitable<Outcome<std::vector<ledger::Balance>>> balances(const frontend::Call& call,
                                                                           AccountQuestion request);
    boost::asio::awaitable<ledger::Result<std::vector<ledger::HistoryEntry>>> history(
        ledger::HistoryQuery query, bool of_default_balance);

    ledger::Ledger& ledger_;
    Pins& pins_;
    Options options_;
};

}  // namespace accountmgmt
