// Parlay X Payment as a whole: who serves its four interfaces.
#pragma once

#include "payment/amount_charging.hpp"
#include "payment/reserve_amount_charging.hpp"
#include "payment/reserve_volume_charging.hpp"
#include "payment/volume_charging.hpp"

#include <utility>
#include <vector>

namespace payment {

class Payment {
  public:
    /// `ledger` outlives this.
    Payment(ledger::Ledger& ledger, AmountStyle style)
        : style_(std::move(style)),
          amount_(ledger, style_),
          volume_(ledger, style_),
          reserve_amount_(ledger, style_),
          reserve_volume_(ledger, style_) {}
    Payment(const Payment&) = delete;
    Payment& operator=(const Payment&) = delete;

    /// The interfaces with their handlers, which belong to this.
    [[nodiscard]] std::vector<frontend::Service> services();

  private:
    AmountStyle style_;
    AmountCharging amount_;
    VolumeCharging volume_;
    ReserveAmountCharging reserve_amount_;
    ReserveVolumeCharging reserve_volume_;
};

}  // namespace payment
