// What the parameters of a volume request say: hints for rating, and our own elements where they came as a
// Property.
#pragma once

#include "ledger/outcome.hpp"
#include "ledger/request.hpp"
#include "payment/charging.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace payment {

/// A volume and the balance that it is about.
struct VolumeTerms {
    ledger::Volume volume;
    ledger::BalanceType balance_type;
    std::optional<std::string> original_reference;  ///< of refunds
};

/// `balance_type` is the element's; a Property of that name means the same and is no hint. unknown_balance
/// when the two, or two such properties, differ. Empty values count as absent ones.
[[nodiscard]] ledger::Result<VolumeTerms> volume_terms(std::int64_t volume, std::vector<Property> parameters,
                                                       std::optional<std::string> balance_type);

/// Of a refund, whose parameters can name the original charge too: unknown_charge when they differ about it.
[[nodiscard]] ledger::Result<VolumeTerms> refund_terms(std::int64_t volume, std::vector<Property> parameters,
                                                       std::optional<std::string> balance_type,
                                                       std::optional<std::string> original_reference);

}  // namespace payment
