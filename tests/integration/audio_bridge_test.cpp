// media::AudioBridge with a real Janus, which stands still where a test says so; and when app::EmbeddedJanus
// takes another one.
#include "telephony/media/audio_bridge.hpp"

#include "app/embedded_janus.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace std::chrono_literals;

constexpr auto offer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

std::filesystem::path temporary_folder() {
    std::string pattern = "/tmp/ledgerline-janus-XXXXXX";
    return ::mkdtemp(pattern.data());
}

class AudioBridge : public testing::Test {
  protected:
    void start(std::chrono::milliseconds timeout, const std::string& rtp_ports = "20000-40000") {
        app::EmbeddedJanus::Options janus_options{"127.0.0.1", rtp_ports};
        janus_.emplace(app::DataDir(folder_), janus_options, base::Logger(base::LogLevel::error));
        janus_->start();
        media::AudioBridgeOptions options;
        options.janus.socket = janus_->socket();
        options.janus.timeout = timeout;
        options.janus.reconnect_min = 1ms;
        options.janus.reconnect_max = 50ms;
        bridge_.emplace(
            std::move(options), context_.get_executor(),
            [this](calls::CallNo, const calls::Event& event) {
                joined_ += std::holds_alternative<calls::event::Joined>(event) ? 1 : 0;
                const auto* unbridged = std::get_if<calls::event::Unbridged>(&event);
                if (unbridged == nullptr) return;
                ++unbridged_;
                unfit_ = unbridged->unfit;
            },
            base::Logger(log_options()));
        bridge_->start();
        until([this] { return bridge_->available(); });
    }

    ~AudioBridge() override {
        bridge_.reset();
        context_.restart();
        context_.run();
        stand_still(false);
        janus_.reset();
        std::filesystem::remove_all(folder_);
    }

    void until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            look_after_janus();
            context_.restart();
            context_.run_one_for(1ms);
            context_.poll();
        }
        EXPECT_TRUE(done());
    }

    /// Debian's may end by itself as it starts.
    void look_after_janus() {
        int status = 0;
        if (janus_->pid() != 0 && ::waitpid(janus_->pid(), &status, WNOHANG) == janus_->pid())
            janus_->ended("by itself");
        const auto due = janus_->next_start();
        if (due && *due <= app::EmbeddedJanus::Clock::now()) janus_->start();
    }

    void stand_still(bool still) {
        if (janus_ && janus_->pid() != 0) ::kill(janus_->pid(), still ? SIGSTOP : SIGCONT);
    }

    /// Janus's threads that mix: one of each room, and one of each party.
    [[nodiscard]] int mixing() const {
        int count = 0;
        const auto threads = "/proc/" + std::to_string(janus_->pid()) + "/task";
        for (const auto& thread : std::filesystem::directory_iterator(threads)) {
            std::string name;
            std::getline(std::ifstream(thread.path() / "comm"), name);
            count += name.starts_with("mixer ") ? 1 : 0;
        }
        return count;
    }

    void join_one_by_one(calls::CallNo calls) {
        for (calls::CallNo call = 0; call < calls; ++call) {
            bridge_->join({call, 0}, offer, false);
            until([&] { return joined_ == static_cast<int>(call) + 1; });
        }
    }

    [[nodiscard]] base::LogOptions log_options() const {
        base::LogOptions options;
        options.level = base::LogLevel::warning;
        options.file = folder_ / "log";
        return options;
    }

    void until_logged(const std::string& text) {
        until([&] {
            std::ifstream file(folder_ / "log");
            return std::string(std::istreambuf_iterator<char>(file), {}).find(text) != std::string::npos;
        });
    }

    std::filesystem::path folder_ = temporary_folder();
    std::optional<app::EmbeddedJanus> janus_;
    boost::asio::io_context context_;
    int joined_ = 0;
    int unbridged_ = 0;
    bool unfit_ = false;
    std::optional<media::AudioBridge> bridge_;
};

/// What the test does not let be answered in time is not what it is about.
constexpr auto patient = 20s;

TEST_F(AudioBridge, many_calls_that_end_at_once_leave_the_others_mixed) {
    start(patient);
    constexpr calls::CallNo last = 200;
    join_one_by_one(last + 1);
    EXPECT_EQ(mixing(), 2 * (static_cast<int>(last) + 1));
    // More than the socket's buffer takes, as Janus does not read meanwhile.
    stand_still(true);
    for (calls::CallNo call = 0; call < last; ++call) bridge_->leave({call, 0});
    context_.restart();
    context_.poll();
    stand_still(false);
    until([&] { return mixing() == 2; });
    EXPECT_EQ(unbridged_, 0);
    EXPECT_TRUE(bridge_->available());
    EXPECT_EQ(bridge_->participants(), 1U);
}

TEST_F(AudioBridge, rooms_of_a_lost_session_are_destroyed_in_the_next_one) {
    start(1s);
    join_one_by_one(1);
    stand_still(true);
    bridge_->join({1, 0}, offer, false);
    until([&] { return unbridged_ == 2; });
    EXPECT_FALSE(bridge_->available());
    stand_still(false);
    until([&] { return bridge_->available() && mixing() == 0; });
}

TEST_F(AudioBridge, its_end_leaves_no_room_behind) {
    start(patient);
    join_one_by_one(2);
    bridge_->leave({0, 0});
    bridge_->close();
    until([&] { return !bridge_->available() && mixing() == 0; });
    EXPECT_EQ(unbridged_, 0);
}

TEST_F(AudioBridge, who_is_at_another_family_of_addresses_is_refused) {
    start(patient);
    std::string elsewhere = offer;
    elsewhere.replace(elsewhere.find("c=IN IP4 127.0.0.1"), 18, "c=IN IP6 ::1");
    bridge_->join({1, 0}, elsewhere, false);
    until([&] { return unbridged_ == 1; });
    EXPECT_TRUE(unfit_);
    until_logged("IPv6");
    until([&] { return mixing() == 0; });
    EXPECT_EQ(joined_, 0);
}

TEST_F(AudioBridge, who_gets_no_port_may_ask_again_and_the_log_says_why) {
    start(patient, "41000-41003");
    for (calls::LegNo leg = 0; leg < 5; ++leg) bridge_->join({1, leg}, offer, false);
    until([&] { return joined_ + unbridged_ == 5; });
    EXPECT_GT(unbridged_, 0);
    EXPECT_FALSE(unfit_);
    until_logged("no free RTP port");
}

/// It exists until somebody waits for it.
bool killed(pid_t child) {
    siginfo_t how{};
    ::waitid(P_PID, static_cast<id_t>(child), &how, WEXITED | WNOHANG | WNOWAIT);
    return how.si_pid == child && how.si_status == SIGKILL;
}

TEST(EmbeddedJanus, another_one_makes_rooms_when_the_first_has_made_many) {
    const auto folder = temporary_folder();
    app::EmbeddedJanus janus(app::DataDir(folder), {"127.0.0.1", "20000-20100"},
                             base::Logger(base::LogLevel::error));
    std::size_t before = 0;
    for (const app::EmbeddedJanus::Seen least :
         {app::EmbeddedJanus::Seen{false, 10'000, 0}, {false, 20'000, 1}}) {
        janus.start();
        const auto first = janus.pid();
        ::kill(first, SIGSTOP);  // Debian's may end by itself as it starts
        auto seen = least;
        seen.rooms += before;
        --seen.rooms;
        janus.look_after(seen);
        EXPECT_FALSE(killed(first));
        ++seen.rooms;
        janus.look_after(seen);
        int status = 0;
        ASSERT_EQ(::waitpid(first, &status, 0), first);
        EXPECT_EQ(status, SIGKILL);
        janus.ended("killed");
        before = seen.rooms;
    }
    std::filesystem::remove_all(folder);
}

}  // namespace
