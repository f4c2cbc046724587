// REGISTER (RFC 3261, 10.3): users say where they are.
#pragma once

#include "base/log.hpp"
#include "ledger/ledger.hpp"
#include "telephony/calls/destinations.hpp"
#include "telephony/calls/door.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/locations.hpp"
#include "telephony/calls/reception.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <string_view>

namespace calls {

class Registrar {
  public:
    struct Options {
        std::chrono::seconds expires_min{60};  ///< less gets 423
        std::chrono::seconds expires_default{3600};
        std::chrono::seconds expires_max{7200};  ///< more is shortened to it
        std::size_t contacts_max = 10;           ///< of an account
        LocalDomain local{};
        DialPlan dial_plan{{}};
        Destinations destinations{"", "", false};
    };
    /// The references outlive this.
    Registrar(Options options, Door& door, ledger::Ledger& ledger, Locations& locations,
              Registrations& network, base::Logger log);

    /// What the request is answered.
    boost::asio::awaitable<Response> handle(IncomingRegister request);

  private:
    boost::asio::awaitable<ledger::Result<ledger::AccountPtr>> account_of(auth::PrincipalPtr principal,
                                                                          std::string address);
    [[nodiscard]] Response set_expiries(IncomingRegister& request) const;
    [[nodiscard]] bool may_be_called(const std::string& contact) const;
    [[nodiscard]] bool may_lead_to_telephones(std::string_view path) const;

    Options options_;
    Door& door_;
    ledger::Ledger& ledger_;
    Locations& locations_;
    Registrations& network_;
    base::Logger log_;
};

}  // namespace calls
