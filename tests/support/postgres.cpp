// Starts the embedded PostgreSQL in a folder of its own and clones a migrated template.
#include "tests/support/postgres.hpp"

#include "base/migrate.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <stdexcept>

namespace tests {
namespace fs = std::filesystem;
namespace {

constexpr auto template_name = "ledgerline_template";

base::sql::SessionOptions session_options(const std::string& url) {
    base::sql::SessionOptions options;
    options.url = url;
    options.application_name = "ledgerline tests";
    return options;
}

}  // namespace

Postgres& Postgres::instance() {
    static Postgres postgres;
    return postgres;
}

Postgres::Postgres() {
    std::string pattern = (fs::temp_directory_path() / "ledgerline-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make a folder like " + pattern);
    folder_ = pattern;
    ::chmod(folder_.c_str(), 0755);  // the user postgres must get in
    const base::Logger log(base::LogLevel::warning, base::LogFormat::text);
    app::EmbeddedPostgres::Options options;
    options.shared_buffers = "128MB";
    server_ = std::make_unique<app::EmbeddedPostgres>(app::DataDir(folder_), options, log);
    server_->start();
}

Postgres::~Postgres() {
    server_->stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string Postgres::url(const std::string& role, const std::string& database) const {
    return server_->url(role, database);
}

void Postgres::make_template() {
    base::sql::Session(session_options(url("postgres", "postgres")))
        .exec(std::string("CREATE DATABASE ") + template_name);
    base::sql::Session session(session_options(url("postgres", template_name)));
    base::migrate(session, base::embedded_migrations(), {{"ledgerline.shards", "16"}},
                  base::Logger(base::LogLevel::warning));
    has_template_ = true;
}

std::string Postgres::create_database(bool migrated) {
    if (migrated && !has_template_) make_template();
    const auto name = "test_" + std::to_string(++databases_);
    base::sql::Session session(session_options(url("postgres", "postgres")));
    session.exec("CREATE DATABASE " + name + " TEMPLATE " + (migrated ? template_name : "template0"));
    return name;
}

void Postgres::drop_database(const std::string& name) {
    base::sql::Session session(session_options(url("postgres", "postgres")));
    session.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

TestDatabase::TestDatabase(bool migrated) : name_(Postgres::instance().create_database(migrated)) {}

TestDatabase::~TestDatabase() {
    try {
        Postgres::instance().drop_database(name_);
    } catch (const base::sql::Error&) {
        // The whole cluster is removed at the end of the program.
    }
}

std::string TestDatabase::url(const std::string& role) const { return Postgres::instance().url(role, name_); }

base::sql::Session TestDatabase::session(const std::string& role) const {
    return base::sql::Session(session_options(url(role)));
}

}  // namespace tests
