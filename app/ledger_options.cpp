// Settings of the ledger by their names there.
#include "app/ledger_options.hpp"

#include "frontend/auth/principal.hpp"

#include <algorithm>

namespace app {

std::set<std::string, std::less<>> long_logins(std::string_view list, std::string_view default_domain) {
    std::set<std::string, std::less<>> logins;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto item = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (const auto login = auth::parse_login(item, default_domain)) logins.insert(login->text());
    }
    return logins;
}

payment::AmountStyle amount_style(const Settings& settings) {
    return {settings.payment.amounts == "minor",
            long_logins(settings.payment.minor_amounts_of, settings.auth.default_domain)};
}

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
