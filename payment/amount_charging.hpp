// Parlay X AmountCharging: charges and refunds of an amount (ES 202 391-6 clause 8.1, ES 202 504-6).
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_messages.hpp"
#include "payment/amount_style.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

class AmountCharging {
  public:
    /// Both outlive this.
    AmountCharging(ledger::Ledger& ledger, const AmountStyle& style) : ledger_(ledger), style_(style) {}

    /// The interface with these handlers.
    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<soap::Empty> charge_amount(const frontend::Call& call, ChargeAmount request);
    Handled<soap::Empty> refund_amount(const frontend::Call& call, RefundAmount request);
    Handled<soap::Empty> charge_split_amount(const frontend::Call& call, ChargeSplitAmount request);
    Handled<soap::Empty> charge_amount_v20(const frontend::Call& call, ChargeAmountV20 request);
    Handled<soap::Empty> refund_amount_v20(const frontend::Call& call, RefundAmountV20 request);

  private:
    ledger::Ledger& ledger_;
    const AmountStyle& style_;
};

}  // namespace payment
