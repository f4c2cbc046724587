// Starts the server, and reads what it has used.
#include "bench/server_under_test.hpp"

#include "app/data_dir.hpp"
#include "app/embedded_postgres.hpp"
#include "app/process.hpp"
#include "base/database.hpp"
#include "frontend/auth/secrets.hpp"
#include "frontend/auth/users.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace fs = std::filesystem;

namespace bench {
namespace {

std::string content_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

/// The server, in this process's place.
[[noreturn]] void become_server(const fs::path& folder, const std::string& database,
                                const std::vector<std::pair<std::string, std::string>>& settings) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a bench that is killed can stop nothing
    for (const auto& [name, value] : settings) ::setenv(name.c_str(), value.c_str(), 1);
    const int log = ::open((folder / "server.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    const auto data_dir = (folder / "var").string();
    ::execl(LEDGERLINE_PROGRAM, LEDGERLINE_PROGRAM, "serve", "--data-dir", data_dir.c_str(), "--database",
            database.c_str(), "--listen", "127.0.0.1:0", "--sip-listen", "127.0.0.1:0", nullptr);
    ::_exit(127);
}

}  // namespace

ServerUnderTest::ServerUnderTest(const fs::path& folder, const std::string& superuser_url,
                                 const std::vector<std::pair<std::string, std::string>>& settings)
    : folder_(folder) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("can't start the server");
    if (pid_ == 0) become_server(folder_, superuser_url, settings);
    await_log("Ctrl-C stops", std::chrono::minutes(1));
    await_log("addresses are read ahead", std::chrono::minutes(10));
    const auto info = boost::json::parse(content_of(folder_ / "var" / "server.json"));
    url_ = std::string(info.at("url").as_string());
    while (url_.ends_with('/')) url_.pop_back();
    port_ = static_cast<std::uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)));
}

void ServerUnderTest::await_log(std::string_view text, std::chrono::seconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (content_of(folder_ / "server.log").find(text) == std::string::npos) {
        int status = 0;
        if (app::wait_for_child(pid_, std::chrono::milliseconds(20), status)) pid_ = 0;
        if (pid_ == 0 || std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the server did not start:\n" + content_of(folder_ / "server.log"));
    }
}

ServerUnderTest::~ServerUnderTest() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
}

std::int64_t ServerUnderTest::memory(const std::string& field) const {
    const auto text = content_of("/proc/" + std::to_string(pid_) + "/status");
    const auto at = text.find(field);
    if (at == std::string::npos) throw std::runtime_error("the server is gone");
    return std::stoll(text.substr(at + field.size())) * 1024;
}

double ServerUnderTest::cpu_seconds() const {
    // The 14th and 15th fields of proc(5) stat; the second one, in brackets, may have spaces.
    auto text = content_of("/proc/" + std::to_string(pid_) + "/stat");
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string create_bench_user(const std::string& url) {
    constexpr auto password = "a password for benchmarks";
    base::sql::SessionOptions options;
    options.url = url;
    base::sql::Session session(options);
    auth::NewUser user;
    user.login = "charging@example.com";
    user.kind = auth::Kind::application;
    for (const auto& right : auth::rights()) {
        if (auth::reach_of(auth::Kind::application, right.permission) == auth::Reach::granted)
            user.grants.push_back({"example.com", right.permission});
    }
    auth::Users(session, "example.com").create(user, password);
    return "Basic " + auth::encode_base64(user.login + ":" + password);
}

}  // namespace bench
