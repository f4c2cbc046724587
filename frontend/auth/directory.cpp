// SQL and row formats of principals.
#include "frontend/auth/directory.hpp"

#include <charconv>

namespace auth {

std::vector<std::string> read_lines(std::string_view lines) {
    std::vector<std::string> result;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        result.emplace_back(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return result;
}

std::vector<Grant> read_grants(std::string_view lines) {
    std::vector<Grant> result;
    for (const auto& line : read_lines(lines)) {
        const auto space = line.find(' ');
        const auto permission = permission_named(std::string_view(line).substr(0, space));
        if (permission && space != std::string::npos) result.push_back({line.substr(space + 1), *permission});
    }
    return result;
}

AccessLimits read_limits(std::string_view lines, std::int64_t utc_offset_seconds) {
    AccessLimits limits;
    limits.utc_offset = std::chrono::seconds(utc_offset_seconds);
    for (const auto& line : read_lines(lines)) {
        const std::string_view text = line;
        const auto name_end = text.find(' ');
        const auto value_end = text.find(' ', name_end + 1);
        std::int64_t value = 0;
        std::from_chars(text.data() + name_end + 1, text.data() + value_end, value);
        limits.add(text.substr(0, name_end), value, text.substr(value_end + 1));
    }
    return limits;
}

namespace {

std::optional<Stored> read_stored(const base::sql::Rows& rows) {
    if (rows.empty()) return std::nullopt;
    const auto kind = kind_named(rows.text(0, 3));
    if (!kind) return std::nullopt;
    Stored stored;
    stored.principal.id = rows.integer(0, 0);
    stored.principal.login = {std::string(rows.text(0, 2)), std::string(rows.text(0, 1))};
    stored.principal.application = rows.text(0, 4);
    stored.principal.kind = *kind;
    stored.principal.addresses = read_lines(rows.text(0, 8));
    stored.principal.grants = read_grants(rows.text(0, 9));
    stored.principal.limits = read_limits(rows.text(0, 10), rows.integer(0, 11));
    stored.principal.rule_addresses = read_lines(rows.text(0, 12));
    stored.enabled = rows.boolean(0, 5);
    stored.password_hash = rows.optional_text(0, 6).value_or("");
    stored.secret = rows.optional_text(0, 7).value_or("");
    return stored;
}

constexpr auto find_login =
    "SELECT principal_id, domain, name, kind, application, enabled, password_hash, secret, addresses, "
    "grants, limits, utc_offset_seconds, rule_addresses FROM auth.find_login($1, $2, $3)";

}  // namespace

std::optional<Stored> find_principal(base::sql::Session& session, const Login& login) {
    const std::optional<std::string> none;
    return read_stored(session.exec(find_login, base::sql::params(login.domain, login.name, none)));
}

std::optional<Stored> find_certificate(base::sql::Session& session, const std::string& fingerprint) {
    const std::optional<std::string> none;
    return read_stored(session.exec(find_login, base::sql::params(none, none, fingerprint)));
}

}  // namespace auth
