// media::AudioBridge over a real socket, against a Janus that answers when the test lets it; and when
// app::EmbeddedJanus takes another one.
#include "telephony/media/audio_bridge.hpp"

#include "app/embedded_janus.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto offer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

class FakeJanus {
  public:
    explicit FakeJanus(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        listening_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
        const auto* const name = static_cast<const sockaddr*>(static_cast<const void*>(&address));
        EXPECT_EQ(::bind(listening_, name, sizeof address), 0);
        EXPECT_EQ(::listen(listening_, 1), 0);
    }
    ~FakeJanus() {
        cut();
        ::close(listening_);
    }
    FakeJanus(const FakeJanus&) = delete;
    FakeJanus& operator=(const FakeJanus&) = delete;

    /// Reads and answers what is there, as much as the answers' buffer takes.
    void serve() {
        if (connection_ < 0) connection_ = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
        std::array<char, 4096> packet{};
        for (int packets = 0; packets < 100; ++packets) {
            const auto size = ::recv(connection_, packet.data(), packet.size(), 0);
            if (size <= 0) return;
            answer(json::parse(std::string_view(packet.data(), static_cast<std::size_t>(size))).as_object());
        }
    }
    void cut() { ::close(std::exchange(connection_, -1)); }

    /// By the request's name, what was asked of AudioBridge.
    std::map<std::string, std::vector<json::object>> asked;
    std::string silent_about;  ///< a request that is not answered
    int port = 5000;           ///< for each party; 0: there is none

  private:
    void answer(const json::object& message) {
        json::object reply{{"janus", "success"}, {"transaction", message.at("transaction")}};
        if (const auto* body = message.if_contains("body")) {
            const std::string request(body->at("request").as_string());
            asked[request].push_back(body->as_object());
            if (request == silent_about) return;
            json::object data{{"room", body->at("room")}};
            if (request == "join") data["rtp"] = {{"ip", "127.0.0.1"}, {"port", port}};
            reply["plugindata"] = {{"data", std::move(data)}};
        } else {
            reply["data"] = {{"id", ++made_}};
        }
        const auto text = json::serialize(reply);
        EXPECT_EQ(::send(connection_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    int listening_ = -1;
    int connection_ = -1;
    std::uint64_t made_ = 0;
};

class AudioBridge : public testing::Test {
  protected:
    AudioBridge() {
        media::AudioBridgeOptions options;
        options.janus.socket = folder_ / "api";
        options.janus.timeout =
            20s;  // what the test does not let be answered in time is not what it is about
        options.janus.reconnect_min = 1ms;
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
        std::filesystem::remove_all(folder_);
    }

    void until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            janus_.serve();
            context_.restart();
            context_.run_one_for(1ms);
            context_.poll();
        }
        EXPECT_TRUE(done());
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
    std::size_t asked(const std::string& request) { return janus_.asked[request].size(); }

    std::filesystem::path folder_ = [] {
        std::string pattern = "/tmp/ledgerline-janus-XXXXXX";
        return std::filesystem::path(::mkdtemp(pattern.data()));
    }();
    FakeJanus janus_{folder_ / "api"};
    boost::asio::io_context context_;
    int joined_ = 0;
    int unbridged_ = 0;
    bool unfit_ = false;
    std::optional<media::AudioBridge> bridge_;
};

TEST_F(AudioBridge, many_calls_that_end_at_once_leave_the_others_mixed) {
    constexpr calls::CallNo last = 400;
    for (calls::CallNo call = 0; call <= last; ++call) {
        bridge_->join({call, 0}, offer, false);
        until([&] { return joined_ == static_cast<int>(call) + 1; });
    }
    // More than the socket's buffer takes, as Janus does not read meanwhile.
    for (calls::CallNo call = 0; call < last; ++call) bridge_->leave({call, 0});
    context_.restart();
    context_.poll();
    until([&] { return asked("destroy") == last; });
    EXPECT_EQ(unbridged_, 0);
    EXPECT_TRUE(bridge_->available());
    EXPECT_EQ(bridge_->participants(), 1U);
}

TEST_F(AudioBridge, rooms_of_a_lost_session_are_destroyed_in_the_next_one) {
    bridge_->join({1, 0}, offer, false);
    until([&] { return joined_ == 1; });
    janus_.silent_about = "create";
    bridge_->join({2, 0}, offer, false);
    until([&] { return asked("create") == 2; });
    janus_.cut();
    until([&] { return unbridged_ == 2; });
    until([&] { return asked("destroy") == 2; });
    for (const auto& created : janus_.asked["create"]) {
        const auto same = [&](const json::object& destroyed) {
            return destroyed.at("room") == created.at("room") &&
                   destroyed.at("secret") == created.at("secret");
        };
        EXPECT_EQ(std::ranges::count_if(janus_.asked["destroy"], same), 1);
    }
    // It is not said again to the next one.
    janus_.cut();
    until([&] { return !bridge_->available(); });
    until([&] { return bridge_->available(); });
    EXPECT_EQ(asked("destroy"), 2U);
}

TEST_F(AudioBridge, its_end_leaves_no_room_behind) {
    bridge_->join({1, 0}, offer, false);
    until([&] { return joined_ == 1; });
    bridge_->join({2, 0}, offer, false);
    until([&] { return joined_ == 2; });
    bridge_->leave({1, 0});
    bridge_->close();
    until([&] { return asked("destroy") >= 2 && !bridge_->available(); });
    EXPECT_EQ(unbridged_, 0);
}

TEST_F(AudioBridge, who_is_at_another_family_of_addresses_is_refused) {
    std::string elsewhere = offer;
    elsewhere.replace(elsewhere.find("c=IN IP4 127.0.0.1"), 18, "c=IN IP6 ::1");
    bridge_->join({1, 0}, elsewhere, false);
    until([&] { return unbridged_ == 1; });
    EXPECT_TRUE(unfit_);
    until_logged("IPv6");
    until([&] { return asked("destroy") == 1; });
    EXPECT_EQ(joined_, 0);
}

TEST_F(AudioBridge, who_gets_no_port_may_ask_again_and_the_log_says_why) {
    janus_.port = 0;
    bridge_->join({1, 0}, offer, false);
    until([&] { return unbridged_ == 1; });
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
    std::string pattern = "/tmp/ledgerline-janus-XXXXXX";
    const std::filesystem::path folder(::mkdtemp(pattern.data()));
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
