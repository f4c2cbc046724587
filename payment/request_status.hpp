// What became of a reference, for clients that lost the answer: a read of the ledger's request keys.
#pragma once

#include "frontend/request_status.hpp"
#include "ledger/ledger.hpp"

#include <boost/asio/awaitable.hpp>

namespace payment {

/// The requests that the asking application made under the reference on the account that holds the address:
///
///     {"referenceCode": "R-17", "endUserIdentifier": "tel:+15550001", "requests": [
///       {"operation": "charge", "outcome": "done", "amount": "1.50", "unit": "EUR", "refunded": "0.50",
///        "time": "2026-11-24T21:00:00.123456Z"}]}
///
/// 404 when there is none: an unknown address and somebody else's reference look just like that. A refused
/// request is not remembered, so `done` is the only outcome.
boost::asio::awaitable<frontend::StatusAnswer> request_status(ledger::Ledger& ledger,
                                                              frontend::StatusQuestion question);

}  // namespace payment
