// getAmount, which both interfaces of volumes have: what would a volume cost?
#pragma once

#include "frontend/service.hpp"
#include "ledger/ledger.hpp"
#include "payment/amount_style.hpp"
#include "payment/volume_messages.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

/// Since v2_1: the amount with its unit, which is a currency, or what the balance counts. An application that
/// counts minor units is answered in them.
[[nodiscard]] boost::asio::awaitable<frontend::Answer<GetAmountResult>> get_amount(ledger::Ledger& ledger,
                                                                                   const AmountStyle& style,
                                                                                   const frontend::Call& call,
                                                                                   GetAmount request);

/// v2_0: the amount alone.
[[nodiscard]] boost::asio::awaitable<frontend::Answer<GetAmountResultV20>> get_amount_v20(
    ledger::Ledger& ledger, const AmountStyle& style, const frontend::Call& call, GetAmount request);

}  // namespace payment
