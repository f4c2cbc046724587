// Parlay X VolumeCharging: charges and refunds of a volume (ES 202 391-6 clause 8.2, ES 202 504-6).
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_style.hpp"
#include "payment/volume_messages.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

class VolumeCharging {
  public:
    /// Both outlive this.
    VolumeCharging(ledger::Ledger& ledger, const AmountStyle& style) : ledger_(ledger), style_(style) {}

    /// The interface with these handlers.
    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<soap::Empty> charge_volume(const frontend::Call& call, ChargeVolume request);
    Handled<soap::Empty> refund_volume(const frontend::Call& call, RefundVolume request);
    Handled<soap::Empty> charge_split_volume(const frontend::Call& call, ChargeSplitVolume request);
    Handled<GetAmountResult> get_amount(const frontend::Call& call, GetAmount request);
    Handled<GetAmountResultV20> get_amount_v20(const frontend::Call& call, GetAmount request);

  private:
    ledger::Ledger& ledger_;
    const AmountStyle& style_;
};

}  // namespace payment
