// Verifies once, then recalls as often as it can.
#include "bench/recognition.hpp"

#include "base/database.hpp"
#include "frontend/auth/authenticator.hpp"
#include "frontend/auth/secrets.hpp"
#include "frontend/auth/users.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <stdexcept>

namespace bench {

double recognitions_per_second(const std::string& url, std::chrono::milliseconds duration) {
    using Clock = std::chrono::steady_clock;
    base::Database::Options options;
    options.session.url = url;
    options.session.statement_timeout = std::chrono::seconds(30);
    options.sessions = 1;
    base::Database database(options);
    database.run_blocking([](base::sql::Session& session) {
        auth::NewUser user;
        user.login = "bench";
        auth::Users(session, "example.com").create(user, "a password");
    });
    const base::Logger log(base::LogLevel::warning, base::LogFormat::text);
    auth::Authenticator authenticator(database, {}, log);
    const auto header = "Basic " + auth::encode_base64("bench:a password");
    const auth::Credentials credentials{header, "127.0.0.1"};

    boost::asio::io_context io(1);
    auto verified =
        boost::asio::co_spawn(io, authenticator.authenticate(credentials), boost::asio::use_future);
    io.run();
    if (!std::holds_alternative<auth::PrincipalPtr>(verified.get())) throw std::runtime_error("not let in");

    constexpr int at_once = 1000;  // between two looks at the clock
    const auto begin = Clock::now();
    std::int64_t count = 0;
    while (Clock::now() - begin < duration) {
        for (int i = 0; i < at_once; ++i) {
            const auto known = authenticator.recall(credentials);
            if (!known || !std::holds_alternative<auth::PrincipalPtr>(*known))
                throw std::runtime_error("forgotten");
        }
        count += at_once;
    }
    return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace bench
