// Takes our own elements out of the parameters.
#include "payment/volume_terms.hpp"

#include <string_view>
#include <utility>

namespace payment {
namespace {

using ledger::Refusal;

/// Moves what the parameters call `name` into `element`; false when it is said in two ways.
bool take(std::string_view name, std::vector<Property>& parameters, std::optional<std::string>& element) {
    for (const auto& parameter : parameters) {
        if (parameter.name != name || parameter.value.empty()) continue;
        if (element && *element != parameter.value) return false;
        element = parameter.value;
    }
    std::erase_if(parameters, [&](const Property& parameter) { return parameter.name == name; });
    return true;
}

}  // namespace

ledger::Result<VolumeTerms> volume_terms(std::int64_t volume, std::vector<Property> parameters,
                                         std::optional<std::string> balance_type) {
    if (!take("balanceType", parameters, balance_type)) return Refusal::unknown_balance;
    VolumeTerms terms;
    terms.volume.value = volume;
    for (auto& parameter : parameters)
        terms.volume.parameters.push_back({std::move(parameter.name), std::move(parameter.value)});
    terms.balance_type = std::move(balance_type);
    return terms;
}

ledger::Result<VolumeTerms> refund_terms(std::int64_t volume, std::vector<Property> parameters,
                                         std::optional<std::string> balance_type,
                                         std::optional<std::string> original_reference) {
    if (!take("originalReferenceCode", parameters, original_reference)) return Refusal::unknown_charge;
    auto terms = volume_terms(volume, std::move(parameters), std::move(balance_type));
    if (terms) terms->original_reference = std::move(original_reference);
    return terms;
}

}  // namespace payment
