// Through the database, which reaches all servers.
#include "app/operator/call_command.hpp"

#include "app/data_dir.hpp"
#include "app/telephony.hpp"
#include "frontend/auth/directory.hpp"

namespace app {

int end_calls_of(const DeskOptions& options, const std::string& user) {
    return at_desk(options, [&user](Desk& desk) {
        const auto login = auth::parse_login(user, desk.default_domain());
        auto session = desk.long_session();
        if (!login || !auth::find_principal(session, *login)) throw PlainError("there is no user " + user);
        desk.act({end_calls_act, login->text(), ""}, [&] {
            desk.query("SELECT pg_notify($1, $2)", base::sql::params(end_calls_channel, login->text()));
            desk.out().done("Told every server to end the calls of " + login->text() + '.');
        });
    });
}

}  // namespace app
