// Parlay X ReserveAmountCharging: reservations of an amount (ES 202 391-6 clause 8.3, ES 202 504-6).
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_style.hpp"
#include "payment/reserve_amount_messages.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

/// Requests without a referenceCode are repeatable under their MessageID or Idempotency-Key.
class ReserveAmountCharging {
  public:
    /// Both outlive this.
    ReserveAmountCharging(ledger::Ledger& ledger, const AmountStyle& style)
        : ledger_(ledger), style_(style) {}

    /// The interface with these handlers.
    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<ReservationResult> reserve(const frontend::Call& call, ReserveAmount request);
    Handled<soap::Empty> reserve_additional(const frontend::Call& call, ReserveAdditionalAmount request);
    Handled<soap::Empty> charge(const frontend::Call& call, ChargeReservedAmount request);
    Handled<soap::Empty> release(const frontend::Call& call, ReleaseReservation request);
    Handled<ReservationResult> reserve_v20(const frontend::Call& call, ReserveAmountV20 request);
    Handled<soap::Empty> reserve_additional_v20(const frontend::Call& call,
                                                ReserveAdditionalAmountV20 request);
    Handled<soap::Empty> charge_v20(const frontend::Call& call, ChargeReservedAmountV20 request);

  private:
    ledger::Ledger& ledger_;
    const AmountStyle& style_;
};

}  // namespace payment
