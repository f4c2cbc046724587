// Greets people with the list of views, then execs psql.
#include "app/psql.hpp"

#include "app/data_dir.hpp"
#include "app/local_client.hpp"
#include "base/sql.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace app {
namespace {

constexpr auto finance_role = "ledgerline_finance";

void greet(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline psql";
    options.role = finance_role;
    base::sql::Session session(options);
    const auto views = session.exec(
        "SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c "
        "WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v' ORDER BY 1");
    std::cout << "The ledger as finance staff see it (read only). Views:\n\n";
    std::size_t width = 0;
    for (std::size_t row = 0; row < views.size(); ++row) width = std::max(width, views.text(row, 0).size());
    for (std::size_t row = 0; row < views.size(); ++row) {
        const std::string name(views.text(row, 0));
        std::cout << "  " << name << std::string(width - name.size() + 2, ' ') << views.text(row, 1) << '\n';
    }
    std::cout
        << "\n\\d+ VIEW explains its columns. Try: select * from balances where address = 'tel:+15550001';\n"
        << std::endl;
}

}  // namespace

void run_psql(const PsqlOptions& options) {
    const auto url = client_database_url(options.settings, options.data_dir, finance_role);
    if (options.arguments.empty() && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) {
        try {
            greet(url);
        } catch (const base::sql::Error& error) {
            throw PlainError(std::string("the database does not answer: ") + error.what());
        }
    }
    ::setenv("PGOPTIONS", "-c role=ledgerline_finance -c search_path=finance", 1);
    ::setenv("PGAPPNAME", "ledgerline psql", 1);
    auto program = options.settings.postgres.bin_dir + "/psql";
    if (::access(program.c_str(), X_OK) != 0) program = "psql";  // only a client is installed
    std::vector<std::string> words{"psql", "--dbname=" + url};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp(program.c_str(), arguments.data());
    throw PlainError("can't run psql: " + std::string(std::strerror(errno)));
}

}  // namespace app
