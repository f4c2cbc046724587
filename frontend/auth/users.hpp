// Making and changing principals: what `serve --demo` and `ledgerline user` do.
#pragma once

#include "base/sql.hpp"
#include "frontend/auth/principal.hpp"

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
    void set_enabled(std::string_view login, bool enabled);
    void add_grant(std::string_view login, const Grant& grant);
    void revoke_grant(std::string_view login, const Grant& grant);

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
