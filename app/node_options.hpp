// What the server's parts are told, made of the settings; telephony's are in telephony_options.
#pragma once

#include "accountmgmt/pins.hpp"
#include "app/node.hpp"
#include "app/settings.hpp"
#include "base/database.hpp"
#include "base/log.hpp"
#include "base/sql.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/secret_schemes.hpp"
#include "frontend/endpoint.hpp"
#include "frontend/http/client.hpp"
#include "frontend/http/server.hpp"
#include "frontend/soap/envelope.hpp"
#include "ledger/ledger.hpp"
#include "ledger/sealer.hpp"
#include "ledger/sweeper.hpp"

#include <string>

namespace app {

[[nodiscard]] base::LogOptions log_options(const Settings::Log& settings);

/// `name`: of the part, as the database's monitoring shows it. `timeout`: of a statement; 0: none.
[[nodiscard]] base::sql::SessionOptions session_options(const DatabaseUrls& urls, const std::string& name,
                                                        Duration timeout);
[[nodiscard]] base::Database::Options pool_options(const Settings& settings, const DatabaseUrls& urls);
/// With the lanes, which the operator's commands have not.
[[nodiscard]] ledger::Options node_ledger_options(const Settings& settings, const DatabaseUrls& urls);
[[nodiscard]] ledger::Sweeper::Options sweeper_options(const Settings& settings);
[[nodiscard]] ledger::Sealer::Options sealer_options(const Settings& settings);

[[nodiscard]] auth::Authenticator::Options auth_options(const Settings::Auth& settings);
[[nodiscard]] auth::SecretSchemes::Options secret_options(const Settings& settings);
[[nodiscard]] accountmgmt::Pins::Options pin_options(const Settings& settings);

[[nodiscard]] soap::Limits soap_limits(const Settings& settings);
[[nodiscard]] frontend::EndpointOptions endpoint_options(const Settings& all);
[[nodiscard]] http::ClientOptions callback_options(const Settings::Callbacks& settings);
[[nodiscard]] http::TlsOptions tls_options(const Settings::Tls& settings);
/// Throws PlainError when an address to listen on is none.
[[nodiscard]] http::Options http_options(const Settings& settings);

}  // namespace app
