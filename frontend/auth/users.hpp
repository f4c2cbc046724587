// Making and changing principals: what `serve --demo` and `ledgerline user` do.
#pragma once

#include "base/sql.hpp"
#include "frontend/auth/principal.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

/// What was asked for cannot be: the text is meant for the person who asked.
class UserError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct NewUser {
    std::string login;  ///< `alice` or `alice@example.com`
    Kind kind = Kind::application;
    std::vector<std::string> addresses{};  ///< in the ledger's normal form; subscribers only
    std::vector<Grant> grants{};
};

/// Throws UserError for a password or secret that HTTP Basic cannot carry.
void check_password(std::string_view password);

/// Blocking, for command lines and start-up. Every change tells all nodes through NOTIFY.
class Users {
  public:
    /// `session` must outlive this object.
    Users(base::sql::Session& session, std::string default_domain);

    /// Makes a principal with a password, its addresses and grants, all or nothing. False, and nothing
    /// changed, when the login exists. Throws UserError for an impossible login, address or grant, sql::Error
    /// from the database.
    bool create(const NewUser& user, std::string_view password);

    /// Each throws UserError when there is no such login.
    void set_password(std::string_view login, std::string_view password);
    /// A sealed secret (SecretBox::seal), or nothing to take it away.
    void set_secret(std::string_view login, const std::optional<std::string>& sealed);
    /// A client certificate by its SHA-256: 64 hex digits, colons between them allowed.
    void add_certificate(std::string_view login, std::string_view fingerprint);
    void remove_certificate(std::string_view login, std::string_view fingerprint);
    void set_enabled(std::string_view login, bool enabled);
    /// Subscribers only; `address` is in the ledger's normal form.
    void add_address(std::string_view login, std::string_view address);
    void remove_address(std::string_view login, std::string_view address);
    void add_grant(std::string_view login, const Grant& grant);
    void revoke_grant(std::string_view login, const Grant& grant);

    /// A limit of access, as auth.principal_limit keeps it; no value takes it away.
    void set_limit(std::string_view login, std::string_view name, std::string_view item,
                   std::optional<std::int64_t> value);
    /// Its name in the ledger.
    [[nodiscard]] std::string application_of(std::string_view login);

    struct Entry {
        Principal principal;
        bool enabled;
    };
    [[nodiscard]] std::vector<Entry> list();

  private:
    [[nodiscard]] Login parsed(std::string_view login) const;
    void change(std::string_view login, const char* statement, base::sql::Params parameters);

    base::sql::Session* session_;
    std::string default_domain_;
};

}  // namespace auth
