// Parlay X Payment as a whole: who serves its four interfaces.
#pragma once

#include "payment/amount_charging.hpp"
#include "payment/reserve_amount_charging.hpp"
#include "payment/reserve_volume_charging.hpp"
#include "payment/volume_charging.hpp"

#include <vector>

namespace payment {

class Payment {
  public:
    /// `ledger` outlives this.
    explicit Payment(ledger::Ledger& ledger)
        : amount_(ledger), volume_(ledger), reserve_amount_(ledger), reserve_volume_(ledger) {}

    /// The interfaces with their handlers, which belong to this.
    [[nodiscard]] std::vector<frontend::Service> services();

  private:
    AmountCharging amount_;
    VolumeCharging volume_;
    ReserveAmountCharging reserve_amount_;
    ReserveVolumeCharging reserve_volume_;
};

}  // namespace payment
