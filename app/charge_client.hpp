// `ledgerline charge` and `ledgerline refund`: a SOAP client for people.
#pragma once

#include "app/soap_client.hpp"

#include <string>

namespace app {

struct ChargeOptions : ClientOptions {
    bool refund = false;
    std::string address;
    std::string amount;
    std::string currency;
    std::string reference;
    std::string original_reference;  ///< of refunds; empty: the reference itself
    std::string balance;             ///< empty: the account's default
    std::string description;
};

/// Sends the request and prints what became of it: 0 done, 1 refused. Throws PlainError when it could not be
/// asked, or when it is unknown what became of it.
int charge(const ChargeOptions& options);

/// Prints what was done under a reference: 0, or 1 when nothing is known. Throws PlainError when it could not
/// be asked.
int show_status(const ClientOptions& options, const std::string& reference, const std::string& address);

}  // namespace app
