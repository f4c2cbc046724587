// Parlay X ReserveVolumeCharging: reservations of a volume (ES 202 391-6 clause 8.4, ES 202 504-6).
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_style.hpp"
#include "payment/reserve_volume_messages.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

/// Requests without a referenceCode are repeatable under their MessageID or Idempotency-Key.
class ReserveVolumeCharging {
  public:
    /// Both outlive this.
    ReserveVolumeCharging(ledger::Ledger& ledger, const AmountStyle& style)
        : ledger_(ledger), style_(style) {}

    /// The interface with these handlers.
    [[nodiscard]] frontend::Service service();

    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<GetAmountResult> get_amount(const frontend::Call& call, GetAmount request);
    Handled<GetAmountResultV20> get_amount_v20(const frontend::Call& call, GetAmount request);
    Handled<ReservationResult> reserve(const frontend::Call& call, ReserveVolume request);
    Handled<soap::Empty> reserve_additional(const frontend::Call& call, ReserveAdditionalVolume request);
    Handled<soap::Empty> charge(const frontend::Call& call, ChargeReservedVolume request);
    Handled<soap::Empty> release(const frontend::Call& call, ReleaseReservation request);

  private:
    ledger::Ledger& ledger_;
    const AmountStyle& style_;
};

}  // namespace payment
