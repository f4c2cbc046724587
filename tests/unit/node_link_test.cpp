// What comes to /nodes: only who has the key of all nodes is heard, once, and not too late.
#include "frontend/node_link.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace {

using frontend::NodeLink;

constexpr auto run = "00112233aabb";

auth::SecretBox box_of(std::uint8_t byte) {
    std::array<std::uint8_t, 32> key{};
    key.fill(byte);
    return auth::SecretBox(key);
}

class NodeLinkTest : public testing::Test {
  protected:
    http::Response post(const std::string& body) {
        http::Request request;
        request.body = body;
        request.peer = "192.0.2.1";
        auto response = boost::asio::co_spawn(context, link.answer(request), boost::asio::use_future);
        context.restart();
        context.run();
        return response.get();
    }
    static std::string question(std::chrono::seconds until, const std::string& nonce,
                                const std::string& to = run) {
        const auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + until;
        return "ask " + to + ' ' + std::to_string(at.time_since_epoch().count()) + ' ' + nonce + "\nwhat";
    }

    std::vector<std::string> asked;
    boost::asio::io_context context{1};
    auth::SecretBox box = box_of(1).derived("nodes");
    NodeLink link{{.run = run},
                  box_of(1),
                  [this](std::string text) -> boost::asio::awaitable<std::string> {
                      asked.push_back(text);
                      co_return "that";
                  },
                  base::Logger(base::LogOptions())};
};

TEST_F(NodeLinkTest, AQuestionIsAnsweredOnce) {
    const auto sealed = box.seal(question(std::chrono::seconds(30), "n1"));
    const auto response = post(sealed);
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(box.open(response.body), "answer n1\nthat");
    EXPECT_EQ(post(sealed).status, 403U);
    EXPECT_EQ(asked, (std::vector<std::string>{"what"}));
}

TEST_F(NodeLinkTest, NobodyElseIsHeard) {
    const auto text = question(std::chrono::seconds(30), "n");
    auto changed = box.seal(text);
    changed.back() = changed.back() == '0' ? '1' : '0';
    for (const auto& body :
         {std::string(), text, changed, box_of(2).derived("nodes").seal(text), box_of(1).seal(text),
          box.seal("answer n\nwhat"), box.seal("ask " + std::string(run)), box.seal("ask a b c\nwhat")}) {
        const auto response = post(body);
        EXPECT_EQ(response.status, 404U);
        EXPECT_EQ(response.body, "Nothing here; see /ParlayX/\n");
    }
    EXPECT_TRUE(asked.empty());
}

TEST_F(NodeLinkTest, TooLateTooEarlyOrForAnotherRun) {
    EXPECT_EQ(post(box.seal(question(std::chrono::seconds(-1), "a"))).status, 403U);
    EXPECT_EQ(post(box.seal(question(std::chrono::hours(1), "b"))).status, 403U);
    EXPECT_EQ(post(box.seal(question(std::chrono::seconds(30), "c", "00112233aabc"))).status, 421U);
    EXPECT_TRUE(asked.empty());
}

}  // namespace
