// Settings: the shipped file is the code's, values are read from every source, every mistake is named.
#include "app/settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace {

using app::load_settings;
using app::SettingSources;

class SettingsFile : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "settings-XXXXXX").string();
        const int file = ::mkstemp(pattern.data());
        ASSERT_GE(file, 0);
        ::close(file);
        path_ = pattern;
    }
    void TearDown() override { std::filesystem::remove(path_); }

    app::LoadedSettings load(const std::string& text) {
        std::ofstream(path_) << text;
        SettingSources sources;
        sources.file = path_;
        return load_settings(sources);
    }

    /// The only mistake in this text, without the file's name.
    std::string mistake_in(const std::string& text) {
        const auto loaded = load(text);
        if (loaded.mistakes.size() != 1) return std::to_string(loaded.mistakes.size()) + " mistakes";
        return loaded.mistakes.front().text().substr(path_.size() + 1);
    }

    std::string path_;
};

TEST(Settings, the_shipped_file_is_what_the_code_says) {
    std::ifstream in(LEDGERLINE_SOURCE_DIR "/etc/ledgerline.toml");
    std::ostringstream shipped;
    shipped << in.rdbuf();
    EXPECT_EQ(shipped.str(), app::default_settings_file())
        << "make it anew: ledgerline check-config --defaults > etc/ledgerline.toml";
}

TEST(Settings, the_shipped_file_loads_and_changes_nothing) {
    SettingSources sources;
    sources.file = LEDGERLINE_SOURCE_DIR "/etc/ledgerline.toml";
    auto loaded = load_settings(sources);
    EXPECT_TRUE(loaded.mistakes.empty()) << loaded.mistakes.front().text();
    app::Settings defaults;
    const auto expected = app::setting_table(defaults);
    const auto actual = app::setting_table(loaded.settings);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(actual[i].toml(), expected[i].toml());
}

TEST(Settings, every_default_is_within_its_limits_and_every_key_is_unique) {
    app::Settings settings;
    std::set<std::string_view> keys;
    std::set<std::string> variables;
    for (const auto& setting : app::setting_table(settings)) {
        auto text = setting.toml();
        if (text.front() == '"') text = text.substr(1, text.size() - 2);
        EXPECT_EQ(setting.assign(text), std::nullopt);
        EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
        EXPECT_TRUE(variables.insert(setting.environment_name()).second) << setting.key;
        EXPECT_TRUE(setting.meaning.ends_with('.')) << setting.key;
    }
}

TEST_F(SettingsFile, later_sources_win) {
    std::ofstream(path_) << "[server]\nlisten = '127.0.0.1:1'\nthreads = 2\nstop_timeout = '2s'\n";
    SettingSources sources;
    sources.file = path_;
    sources.environment = {
        {"LEDGERLINE_SERVER_LISTEN", "127.0.0.1:2"}, {"LEDGERLINE_SERVER_THREADS", "3"}, {"PATH", "/"}};
    sources.flags = {{"server.listen", "127.0.0.1:3"}};
    const auto loaded = load_settings(sources);
    EXPECT_TRUE(loaded.mistakes.empty());
    EXPECT_EQ(loaded.settings.server.listen, "127.0.0.1:3");
    EXPECT_EQ(loaded.settings.server.threads, 3);
    EXPECT_EQ(loaded.settings.server.stop_timeout, app::Duration(2000));
}

TEST_F(SettingsFile, durations_and_sizes_have_units) {
    const auto loaded = load(
        "[http]\nread_timeout = '250ms'\nidle_timeout = '2h'\nbody_limit = '2MB'\n"
        "[hold]\nttl = '30d'\n[http.more]\n");
    EXPECT_EQ(loaded.settings.http.read_timeout, app::Duration(250));
    EXPECT_EQ(loaded.settings.http.idle_timeout, app::Duration(7'200'000));
    EXPECT_EQ(loaded.settings.http.body_limit.bytes, 2 << 20);
    EXPECT_EQ(loaded.settings.hold.ttl, app::Duration(2'592'000'000));
    for (const auto* bad : {"30", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "1w"}) {
        EXPECT_NE(
            mistake_in("[http]\nread_timeout = '" + std::string(bad) + "'\n").find("must be a duration"),
            std::string::npos)
            << bad;
    }
    EXPECT_NE(mistake_in("[http]\nbody_limit = '1KB'\n").find("must be a size"), std::string::npos);
}

TEST_F(SettingsFile, mistakes_have_their_line_and_a_suggestion) {
    EXPECT_EQ(mistake_in("[http]\n\nbody_limt = '1MB'\n"),
              "3: unknown setting http.body_limt; did you mean http.body_limit?");
    EXPECT_EQ(mistake_in("[htpp]\nbody_limit = '1MB'\n"),
              "2: unknown setting htpp.body_limit; did you mean http.body_limit?");
    EXPECT_EQ(mistake_in("threads = 1\n").substr(0, 26), "1: unknown setting threads");
    EXPECT_EQ(mistake_in("[server]\nthreads = 'many'\n"), "2: server.threads must be a whole number");
    EXPECT_EQ(mistake_in("[server]\nthreads = 1000\n"), "2: server.threads must be at most 256");
    EXPECT_EQ(mistake_in("[http]\nread_timeout = '0ms'\n"), "2: http.read_timeout must be at least 1ms");
    EXPECT_EQ(mistake_in("[postgres]\nstart_timeout = '106752d'\n"),  // what nanoseconds cannot count
              "2: postgres.start_timeout must be at most 36500d, not '106752d'");
    EXPECT_EQ(mistake_in("[database]\nstatement_timeout = '25d'\n"),
              "2: database.statement_timeout must be at most 2147483647ms");
    EXPECT_EQ(mistake_in("[ledger]\nreference_limit = 70\n"),
              "2: ledger.reference_limit must be at least 71");
    EXPECT_EQ(mistake_in("[log]\nlevel = 'loud'\n"),
              "2: log.level must be one of: debug, info, warning, error");
    EXPECT_EQ(mistake_in("[server]\nlisten = 'localhost'\n").substr(0, 30), "2: server.listen must be an IP");
    EXPECT_EQ(mistake_in("[server]\nthreads = \n").substr(0, 2), "2:");
}

TEST_F(SettingsFile, texts_with_a_form_are_looked_at) {
    const auto fits = [this](const std::string& section, const std::string& line) {
        EXPECT_TRUE(load('[' + section + "]\n" + line + '\n').mistakes.empty()) << line;
    };
    const auto is_wrong = [this](const std::string& section, const std::string& line,
                                 const std::string& why) {
        EXPECT_NE(mistake_in('[' + section + "]\n" + line + '\n').find(why), std::string::npos) << line;
    };
    for (const auto* key : {"advertise", "gateway", "outbound_proxy"}) {
        for (const auto* good :
             {"", "sip.example.com", "10.0.0.5:5061", "[::1]", "[::1]:5060", "gw:5060;transport=tcp"})
            fits("sip", key + std::string(" = '") + good + '\'');
        for (const auto* bad : {"sip:gw.example.com", "gw:", "gw:abc", "gw:0", "gw:65536", "[::1]5060",
                                ":5060", "a b", "user@gw", "http://gw"})
            is_wrong("sip", key + std::string(" = '") + bad + '\'',
                     std::string("2: sip.") + key + " must be a host");
    }
    for (const auto* key : {"allow", "deny"}) {
        fits("call", key + std::string(" = 'tel:+49 sip:, tel:'"));
        is_wrong("call", key + std::string(" = 'sip: +49900'"), "not '+49900'");
    }
    fits("media", "address = 'fe80::1'");
    is_wrong("media", "address = 'here'", "must be an IP address");
    for (const auto* realm : {"http", "sip"}) {
        fits(realm, "realm = 'Käse & co.'");
        is_wrong(realm, "realm = 'a\"b'", "must have no quotes");
        is_wrong(realm, "realm = \"a\\nb\"", "must have no quotes");
    }
    fits("http", "public_url = 'https://pay.example.com/'");
    for (const auto* bad : {"pay.example.com", "https://", "ftp://pay.example.com"})
        is_wrong("http", "public_url = '" + std::string(bad) + '\'', "must be a URL");
    for (const auto* good :
         {"postgresql://u:p%40ss%2Fw%25rd@db:5432/l", "postgresql://u@/l?host=/run&password=%25",
          "postgres://u:a#?b@[::1]:5432,db2:5433/l?connect_timeout=5", "postgresql:///l",
          "host=db password=a%b/c@d", "", " host = db  password=a\\ b port=\\5432 "})
        fits("database", "url = '" + std::string(good) + '\'');
    // A password with what ends it for libpq. What is wrong is named without it.
    for (const auto* bad :
         {"postgresql://u:pa%ss@db/l", "postgresql://u:pa/ss@db/l", "postgresql://u:pa@ss@db/l",
          "postgresql://u:pass@[::1/l", "postgresql://u:pass@db:x1/l", "postgresql:///l?password=pa%ss",
          "postgress://u:pass@db/l", "postgresql:/u:pass=@db/l", "host=db password=pa ss@",
          "host db password=pass@"}) {
        const auto mistake = mistake_in("[database]\nowner_url = '" + std::string(bad) + "'\n");
        EXPECT_NE(mistake.find("2: database.owner_url must be a URI like"), std::string::npos) << mistake;
        EXPECT_EQ(mistake.find("pa"), mistake.find("password")) << mistake;
        EXPECT_EQ(mistake.find("ss@"), std::string::npos) << mistake;
    }
    fits("auth", "default_domain = 'Shop.example'");
    for (const auto* bad : {"", "a@b", "a b"})
        is_wrong("auth", "default_domain = '" + std::string(bad) + '\'', "must be a domain");
    for (const auto* good : {"128kB", "1.5 GB", "16", "2TB", "131072B"})
        fits("postgres", "shared_buffers = '" + std::string(good) + '\'');
    for (const auto* bad :
         {"", "127kB", "15", "1Gb", "256 MiB", "-1GB", "9000TB", "1GB\nfsync = off", "1GB'"})
        is_wrong("postgres", "shared_buffers = \"\"\"" + std::string(bad) + "\"\"\"",
                 "must be a size like 256MB, at least 128kB");
    for (const auto* key : {"max_wal_size", "min_wal_size"}) {
        for (const auto* good : {"32MB", "32", "0.5TB"})
            fits("postgres", key + std::string(" = '") + good + '\'');
        for (const auto* bad : {"31MB", "31", "much"})
            is_wrong("postgres", key + std::string(" = '") + bad + '\'', "at least 32MB");
    }
    fits("payment", "minor_amounts_of = ' shop, portal@example.com,'");
    for (const auto* bad : {"shop portal", "shop;portal x", "@example.com", "shop,,portal"}) {
        is_wrong("payment", "minor_amounts_of = '" + std::string(bad) + '\'', "must be logins");
        is_wrong("soap", "ignore_unknown_of = '" + std::string(bad) + '\'', "must be logins");
    }
}

TEST_F(SettingsFile, each_listener_has_a_place_of_its_own) {
    const std::string taken = "[server]\nlisten = '127.0.0.1:8080'\nhealth_listen = '127.0.0.1:8080'\n";
    EXPECT_EQ(mistake_in(taken),
              "3: server.health_listen must be another address or port than server.listen");
    EXPECT_EQ(mistake_in("[server]\nhealth_listen = '127.0.0.1:8080'\n").substr(0, 23),
              "2: server.health_listen");
    EXPECT_TRUE(load("[server]\nlisten = '[::1]:0'\nhealth_listen = '[::1]:0'\n").mistakes.empty());
    EXPECT_TRUE(load("[server]\nhealth_listen = '127.0.0.1:8081'\n").mistakes.empty());
}

TEST_F(SettingsFile, https_needs_its_files) {
    EXPECT_EQ(mistake_in("[tls]\nlisten = '127.0.0.1:0'\nkey = 'k'\n"),
              "2: tls.listen needs tls.certificate");
    EXPECT_EQ(mistake_in("[tls]\nlisten = '127.0.0.1:0'\ncertificate = 'c'\n"),
              "2: tls.listen needs tls.key");
    EXPECT_EQ(mistake_in("[tls]\nlisten = '127.0.0.1:0'\ncertificate = 'c'\nkey = 'k'\n"
                         "client_certificates = 'required'\n"),
              "5: tls.client_certificates needs tls.client_ca");
    EXPECT_TRUE(load("[tls]\nclient_certificates = 'required'\n").mistakes.empty());
}

TEST_F(SettingsFile, nodes_are_patient_for_more_than_one_heartbeat) {
    EXPECT_EQ(mistake_in("[call]\nheartbeat_patience = '5s'\n").substr(0, 50),
              "2: call.heartbeat_patience must be longer than cal");
    EXPECT_EQ(mistake_in("[call]\nheartbeat = '1m'\n").substr(0, 25), "2: call.heartbeat_patienc");
    EXPECT_TRUE(load("[call]\nheartbeat = '1m'\nheartbeat_patience = '3m'\n").mistakes.empty());
}

TEST_F(SettingsFile, every_mistake_is_named_in_the_files_order) {
    const auto loaded = load("[server]\nthreads = -1\n[http]\nbody_limit = 5\nnonsense = true\n");
    ASSERT_EQ(loaded.mistakes.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(loaded.mistakes[i].line, (std::vector{2, 4, 5})[i]);
    }
}

TEST(Settings, what_kubernetes_adds_for_services_is_none_of_them) {
    SettingSources sources;
    sources.environment = {{"LEDGERLINE_SERVICE_HOST", "10.0.0.7"},
                           {"LEDGERLINE_SERVICE_PORT", "8080"},
                           {"LEDGERLINE_SERVICE_PORT_SOAP", "8080"},
                           {"LEDGERLINE_PORT", "tcp://10.0.0.7:8080"},
                           {"LEDGERLINE_PORT_8080_TCP", "tcp://10.0.0.7:8080"},
                           {"LEDGERLINE_PORT_8080_TCP_ADDR", "10.0.0.7"},
                           {"LEDGERLINE_POSTGRES_SERVICE_HOST", "10.0.0.8"}};
    EXPECT_TRUE(load_settings(sources).mistakes.empty());
    sources.environment = {{"LEDGERLINE_PORT", "8080"}};
    EXPECT_EQ(load_settings(sources).mistakes.size(), 1U);
}

TEST(Settings, mistakes_in_the_environment_are_named) {
    SettingSources sources;
    sources.environment = {{"LEDGERLINE_HTTP_BODY_LIMT", "1MB"}, {"LEDGERLINE_SERVER_THREADS", "x"}};
    const auto loaded = load_settings(sources);
    ASSERT_EQ(loaded.mistakes.size(), 2U);
    EXPECT_EQ(loaded.mistakes[0].text(),
              "LEDGERLINE_HTTP_BODY_LIMT: unknown variable; did you mean LEDGERLINE_HTTP_BODY_LIMIT?");
    EXPECT_EQ(loaded.mistakes[1].text(),
              "LEDGERLINE_SERVER_THREADS: server.threads must be a whole number, not 'x'");
}

TEST(Settings, a_missing_file_is_a_mistake) {
    SettingSources sources;
    sources.file = "/nowhere/ledgerline.toml";
    const auto loaded = load_settings(sources);
    ASSERT_EQ(loaded.mistakes.size(), 1U);
    EXPECT_EQ(loaded.mistakes[0].text(),
              "/nowhere/ledgerline.toml: can't be read: No such file or directory");
    sources.file = "/tmp";
    const auto folder = load_settings(sources);
    ASSERT_EQ(folder.mistakes.size(), 1U);
    EXPECT_EQ(folder.mistakes[0].text(), "/tmp: can't be read: it is a folder");
}

TEST(ListenAddress, is_taken_apart) {
    EXPECT_EQ(app::parse_listen_address("127.0.0.1:8080")->url(), "http://127.0.0.1:8080");
    EXPECT_EQ(app::parse_listen_address("[::1]:80")->url(), "http://[::1]:80");
    EXPECT_TRUE(app::parse_listen_address("127.8.0.1:1")->loopback());
    EXPECT_TRUE(app::parse_listen_address("[::1]:1")->loopback());
    EXPECT_FALSE(app::parse_listen_address("0.0.0.0:1")->loopback());
    EXPECT_FALSE(app::parse_listen_address("[::]:1")->loopback());
    for (const auto* bad : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "localhost:80",
                            "127.0.0.1:-1", "127.1:80"}) {
        EXPECT_FALSE(app::parse_listen_address(bad)) << bad;
    }
}

}  // namespace
