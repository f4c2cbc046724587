// Greets people with the list of views, then execs psql.
#include "app/psql.hpp"

#include "app/connection_pairs.hpp"
#include "app/data_dir.hpp"
#include "app/http_client.hpp"
#include "app/local_client.hpp"
#include "app/process.hpp"
#include "base/sql.hpp"
#include "frontend/route.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {
namespace {

constexpr auto finance_role = "ledgerline_finance";

constexpr std::array examples{
    "select * from balances where address = 'tel:+15550001';",
    "select * from statement('tel:+15550001', current_date - 30, null);",
    "select balance_at('tel:+15550001', 'main', now());",
    "select * from revenue_daily where day >= current_date - 7 order by day, application;",
    "select * from trial_balance_at(now());",
};

void print_list(const base::sql::Rows& rows) {
    std::size_t width = 0;
    for (std::size_t row = 0; row < rows.size(); ++row) width = std::max(width, rows.text(row, 0).size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        std::string line(rows.text(row, 0));
        if (!rows.text(row, 1).empty()) line.resize(width + 2, ' ');
        std::cout << "  " << line << rows.text(row, 1) << '\n';
    }
}

void greet(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline psql";
    options.role = finance_role;
    base::sql::Session session(options);
    std::cout << "The ledger as finance staff see it (read only). Views; \\d+ VIEW explains the columns:\n\n";
    print_list(
        session.exec("SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c "
                     "WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v' ORDER BY 1"));
    std::cout << "\nFunctions, most of them of an address and times; \\df+ FUNCTION explains them:\n\n";
    print_list(session.exec(
        "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', '' FROM pg_proc p "
        "WHERE p.pronamespace = 'finance'::regnamespace AND p.provolatile = 's' ORDER BY 1"));
    std::cout << "\nTry (docs/finance.md has more):\n\n";
    for (const auto* example : examples) std::cout << "  " << example << '\n';
    std::cout << std::endl;
}

bool is_uri(std::string_view url) {
    return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

/// Where the value of a parameter begins in a URI's query; npos: it has none.
std::size_t value_in(std::string_view url, const std::string& name) {
    const auto query = url.find('?');
    for (auto found = url.find(name + '=', query); found != std::string::npos;
         found = url.find(name + '=', found + 1)) {
        if (url[found - 1] == '?' || url[found - 1] == '&') return found + name.size() + 1;
    }
    return std::string::npos;
}

std::optional<std::string> take_password_of_pairs(std::string& url) {
    auto pairs = parse_connection_pairs(url);
    if (!pairs) return std::nullopt;
    std::optional<std::string> password;
    for (const auto& [name, value] : *pairs) {
        if (name == "password") password = value;  // of several the last one counts
    }
    std::erase_if(*pairs, [](const auto& pair) { return pair.first == "password"; });
    if (password) url = connection_string(*pairs);
    return password;
}

/// Takes the password out of what names the database: everybody on the machine may read a command line.
/// Nothing: there is none.
std::optional<std::string> take_password(std::string& url) {
    if (!is_uri(url)) return take_password_of_pairs(url);
    const std::string name = "password";
    std::optional<std::string> password;
    const auto authority = url.find("://") + 3;
    const auto at = url.find_first_of("@/", authority);  // as libpq looks for it
    const auto colon = url.find(':', authority);
    if (at != std::string::npos && url[at] == '@' && colon < at) {
        password = url.substr(colon + 1, at - colon - 1);
        url.erase(colon, at - colon);
    }
    if (const auto begin = value_in(url, name); begin != std::string::npos) {
        const auto end = std::min(url.find('&', begin), url.size());
        password = url.substr(begin, end - begin);
        const auto key = begin - name.size() - 1;
        // With the & behind it, else with what is before it.
        if (end < url.size())
            url.erase(key, end + 1 - key);
        else
            url.erase(key - 1);
    }
    return password ? frontend::percent_decoded(*password) : std::nullopt;
}

/// The URL with what psql's session shall be, behind what it says of that itself: where it does, PGOPTIONS in
/// the environment would mean nothing.
std::string as_finance(std::string url) {
    const auto options = "-c role=" + std::string(finance_role) + " -c search_path=finance";
    if (!is_uri(url)) return url + " options='" + options + '\'';
    const std::string name = "options";
    if (const auto begin = value_in(url, name); begin != std::string::npos)
        return url.insert(std::min(url.find('&', begin), url.size()), "%20" + percent_encoded(options));
    const char separator = url.find('?') == std::string::npos ? '?' : '&';
    return url + separator + name + '=' + percent_encoded(options);
}

}  // namespace

void run_psql(const PsqlOptions& options) {
    auto url = client_database_url(options.settings, options.data_dir, finance_role);
    if (options.arguments.empty() && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) {
        try {
            greet(url);
        } catch (const base::sql::Error& error) {
            throw PlainError(std::string("the database does not answer: ") + error.what());
        }
    }
    ::setenv("PGAPPNAME", "ledgerline psql", 1);
    if (const auto password = take_password(url)) ::setenv("PGPASSWORD", password->c_str(), 1);
    auto program = options.settings.postgres.bin_dir + "/psql";
    if (::access(program.c_str(), X_OK) != 0) program = "psql";  // only a client is installed
    std::vector<std::string> words{"psql", "--dbname=" + as_finance(url)};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    become(program, std::move(words));
}

}  // namespace app
