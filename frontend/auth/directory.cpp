// SQL and row formats of principals.
#include "frontend/auth/directory.hpp"

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

std::optional<Stored> find_principal(base::sql::Session& session, const Login& login) {
    const auto rows = session.exec(
        "SELECT principal_id, kind, enabled, password_hash, addresses, grants, application "
        "FROM auth.find_principal($1, $2)",
        base::sql::params(login.domain, login.name));
    if (rows.empty()) return std::nullopt;
    const auto kind = kind_named(rows.text(0, 1));
    if (!kind) return std::nullopt;

    Stored stored;
    stored.principal = {rows.integer(0, 0),           login,
                        std::string(rows.text(0, 6)), *kind,
                        read_lines(rows.text(0, 4)),  read_grants(rows.text(0, 5))};
    stored.enabled = rows.boolean(0, 2);
    stored.password_hash = rows.optional_text(0, 3).value_or("");
    return stored;
}

}  // namespace auth
