// Settings of the ledger by their names there.
#include "app/ledger_options.hpp"

namespace app {

ledger::Options ledger_options(const Settings& settings) {
    ledger::Options options;
    options.numbers = {settings.address.country, settings.address.trunk_prefix};
    options.address_cache = to_size(settings.ledger.address_cache);
    options.hold_cache = to_size(settings.ledger.hold_cache);
    options.reference_bytes_max = to_size(settings.ledger.reference_limit);
    options.text_bytes_max = to_size(settings.ledger.text_limit);
    options.history_entries_max = to_size(settings.ledger.history_limit);
    options.period_days_max = static_cast<std::int32_t>(settings.ledger.period_limit);
    options.parameters_max = to_size(settings.ledger.parameters_limit);
    options.voucher_tries_max = static_cast<std::int32_t>(settings.voucher.tries);
    options.voucher_tries_window = settings.voucher.tries_window;
    options.lane.limits.max_amount = settings.ledger.max_amount;
    options.lane.limits.hold_ttl = settings.hold.ttl;
    return options;
}

}  // namespace app
