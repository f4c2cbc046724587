// The interfaces of Parlay X Payment.
#pragma once

#include "payment/amount_messages.hpp"
#include "payment/reserve_amount_messages.hpp"
#include "payment/reserve_volume_messages.hpp"
#include "payment/volume_messages.hpp"

#include <array>

namespace payment {

inline constexpr std::array interfaces{&amount_charging, &volume_charging, &reserve_amount_charging,
                                       &reserve_volume_charging};

}  // namespace payment
