// Checks and statements behind Users.
#include "frontend/auth/users.hpp"

#include "base/utf8.hpp"
#include "frontend/auth/directory.hpp"
#include "frontend/auth/password.hpp"

#include <algorithm>

namespace auth {
namespace {

/// The domain of a grant as it is stored.
std::string stored_domain(const Grant& grant) {
    if (grant.domain == "*") return grant.domain;
    const auto login = parse_login("somebody", grant.domain);
    if (!login) throw UserError("'" + grant.domain + "' is no domain (* means every domain)");
    return login->domain;
}

void check_grant(Kind kind, const Grant& grant) {
    switch (reach_of(kind, grant.permission)) {
        case Reach::granted:
        case Reach::domain:
            return;
        case Reach::never:
        case Reach::own:
        case Reach::own_if_set:
        case Reach::everywhere:
            throw UserError("a grant of " + std::string(to_string(grant.permission)) +
                            " changes nothing for the kind " + std::string(to_string(kind)));
    }
}

void check_has_addresses(Kind kind) {
    if (kind != Kind::subscriber) throw UserError("only subscribers have addresses of their own");
}

std::string fingerprint_of(std::string_view text) {
    std::string digits;
    for (char c : text) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        if (c != ':') digits += c;
    }
    if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
        throw UserError("'" + std::string(text) + "' is no SHA-256 fingerprint (64 hex digits)");
    }
    return digits;
}

}  // namespace

void check_password(std::string_view password) {
    if (password.empty()) throw UserError("an empty password is not accepted");
    if (password.size() > password_bytes_max) {
        throw UserError("a password may have at most " + std::to_string(password_bytes_max) + " bytes");
    }
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
    if (!base::is_utf8(password) || std::ranges::any_of(password, control)) {
        throw UserError("a password must be UTF-8 without control characters, which HTTP Basic cannot carry");
    }
}

Users::Users(base::sql::Session& session, std::string default_domain)
    : session_(&session), default_domain_(std::move(default_domain)) {}

Login Users::parsed(std::string_view login) const {
    auto result = parse_login(login, default_domain_);
    if (!result) throw UserError("'" + std::string(login) + "' is no login (NAME or NAME@DOMAIN)");
    return std::move(*result);
}

bool Users::create(const NewUser& user, std::string_view password) {
    const auto login = parsed(user.login);
    check_password(password);
    if (!user.addresses.empty()) check_has_addresses(user.kind);
    base::sql::ArrayText addresses, domains, permissions;
    for (const auto& address : user.addresses) addresses.add(std::string_view(address));
    for (const auto& grant : user.grants) {
        check_grant(user.kind, grant);
        domains.add(std::string_view(stored_domain(grant)));
        permissions.add(to_string(grant.permission));
    }
    // Hashing is what takes the time: not for a login that exists.
    if (find_principal(*session_, login)) return false;
    return session_
        ->exec("SELECT auth.create_principal($1, $2, $3, $4, $5, $6::text[], $7::text[], $8::text[])",
               base::sql::params(login.domain, login.name, login == parsed(login.name), to_string(user.kind),
                                 hash_password(password), addresses, domains, permissions))
        .boolean(0, 0);
}

void Users::change(std::string_view login, const char* statement, base::sql::Params parameters) {
    if (!session_->exec(statement, parameters).boolean(0, 0)) {
        throw UserError("there is no user '" + std::string(login) + "'");
    }
}

void Users::set_password(std::string_view login, std::string_view password) {
    const auto who = parsed(login);
    check_password(password);
    change(login, "SELECT auth.set_password($1, $2, $3)",
           base::sql::params(who.domain, who.name, hash_password(password)));
}

void Users::set_secret(std::string_view login, const std::optional<std::string>& sealed) {
    const auto who = parsed(login);
    change(login, "SELECT auth.set_secret($1, $2, $3)", base::sql::params(who.domain, who.name, sealed));
}

void Users::add_certificate(std::string_view login, std::string_view fingerprint) {
    const auto who = parsed(login);
    change(login, "SELECT auth.set_certificate($1, $2, $3)",
           base::sql::params(who.domain, who.name, fingerprint_of(fingerprint)));
}

void Users::remove_certificate(std::string_view login, std::string_view fingerprint) {
    const auto who = parsed(login);
    change(login, "SELECT auth.drop_certificate($1, $2, $3)",
           base::sql::params(who.domain, who.name, fingerprint_of(fingerprint)));
}

void Users::set_enabled(std::string_view login, bool enabled) {
    const auto who = parsed(login);
    change(login, "SELECT auth.set_enabled($1, $2, $3)", base::sql::params(who.domain, who.name, enabled));
}

void Users::add_address(std::string_view login, std::string_view address) {
    const auto who = parsed(login);
    const auto stored = find_principal(*session_, who);
    if (!stored) throw UserError("there is no user '" + std::string(login) + "'");
    check_has_addresses(stored->principal.kind);
    change(login, "SELECT auth.set_address($1, $2, $3, true)",
           base::sql::params(who.domain, who.name, address));
}

void Users::remove_address(std::string_view login, std::string_view address) {
    const auto who = parsed(login);
    const auto done = session_->exec("SELECT auth.set_address($1, $2, $3, false)",
                                     base::sql::params(who.domain, who.name, address));
    if (!done.boolean(0, 0)) {
        throw UserError("'" + std::string(login) + "' has no address " + std::string(address));
    }
}

void Users::add_grant(std::string_view login, const Grant& grant) {
    const auto who = parsed(login);
    const auto stored = find_principal(*session_, who);
    if (!stored) throw UserError("there is no user '" + std::string(login) + "'");
    check_grant(stored->principal.kind, grant);
    change(login, "SELECT auth.add_grant($1, $2, $3, $4)",
           base::sql::params(who.domain, who.name, stored_domain(grant), to_string(grant.permission)));
}

void Users::revoke_grant(std::string_view login, const Grant& grant) {
    const auto who = parsed(login);
    const auto stored = find_principal(*session_, who);
    const Grant kept{stored_domain(grant), grant.permission};
    if (stored && std::ranges::find(stored->principal.grants, kept) == stored->principal.grants.end()) {
        throw UserError("'" + std::string(login) + "' has no grant of " +
                        std::string(to_string(grant.permission)) + " in " + grant.domain);
    }
    change(login, "SELECT auth.revoke_grant($1, $2, $3, $4)",
           base::sql::params(who.domain, who.name, stored_domain(grant), to_string(grant.permission)));
}

void Users::set_limit(std::string_view login, std::string_view name, std::string_view item,
                      std::optional<std::int64_t> value) {
    const auto who = parsed(login);
    const auto done = session_->exec("SELECT auth.set_limit($1, $2, $3, $4, $5)",
                                     base::sql::params(who.domain, who.name, name, item, value));
    if (!done.boolean(0, 0)) throw UserError("'" + std::string(login) + "' has no such limit");
}

std::string Users::application_of(std::string_view login) {
    const auto stored = find_principal(*session_, parsed(login));
    if (!stored) throw UserError("there is no user '" + std::string(login) + "'");
    return stored->principal.application;
}

std::vector<Users::Entry> Users::list() {
    const auto rows = session_->exec(
        "SELECT principal_id, domain, name, kind, enabled, addresses, grants, application FROM "
        "auth.description "
        "ORDER BY domain, name");
    std::vector<Entry> entries;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto kind = kind_named(rows.text(row, 3));
        if (!kind) continue;
        Principal::Data data{
            rows.integer(row, 0),           {std::string(rows.text(row, 2)), std::string(rows.text(row, 1))},
            std::string(rows.text(row, 7)), *kind,
            read_lines(rows.text(row, 5)),  read_grants(rows.text(row, 6))};
        entries.push_back({Principal(std::move(data)), rows.boolean(row, 4)});
    }
    return entries;
}

}  // namespace auth
