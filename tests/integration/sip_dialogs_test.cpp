// Dialogs of the SIP thread with a peer that says what no telephone should, or what few do.
#include "telephony/sip/agent.hpp"
#include "tests/support/sip_phone.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <boost/asio/write.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace tests;

namespace {

using namespace std::chrono_literals;
namespace event = calls::event;
using calls::LegId;
using std::chrono::milliseconds;

const std::string offer =
    "v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
const std::vector<std::string> with_sdp{"Content-Type: application/sdp"};

/// What another thread reports.
template <class T>
class Reports {
  public:
    void add(T report) {
        {
            const std::lock_guard lock(mutex_);
            reports_.push_back(std::move(report));
        }
        changed_.notify_all();
    }

    std::optional<T> next(milliseconds within) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, within, [this] { return !reports_.empty(); })) return std::nullopt;
        auto report = std::move(reports_.front());
        reports_.pop_front();
        return report;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> reports_;
};

class Desk final : public calls::Reception {
  public:
    Reports<calls::IncomingCall> incoming;

    void called(calls::IncomingCall call) override {
        std::function<void()> work;
        {
            const std::lock_guard lock(mutex_);
            work = busy_;
        }
        if (work) work();
        incoming.add(std::move(call));
    }
    void registering(calls::IncomingRegister /*request*/) override {}

    /// What the SIP thread does first when somebody calls.
    void set_busy(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        busy_ = std::move(work);
    }

  private:
    std::mutex mutex_;
    std::function<void()> busy_;
};

class SipDialogs : public testing::Test {
  protected:
    static constexpr LegId leg{1, 0};
    static constexpr auto soon = 5s;

    void start(sip::AgentOptions options = {}) {
        options.address = "127.0.0.1";
        options.port = Phone::free_port();
        phone.server = options.port;
        agent_.emplace(
            std::move(options), [this](calls::CallNo, calls::Event event) { events.add(std::move(event)); },
            nullptr, base::Logger(base::LogOptions()));
        agent_->receive(&desk);
    }

    sip::Agent& agent() { return *agent_; }

    /// The next event of this kind; others are passed over.
    template <class E>
    std::optional<E> reported(milliseconds within = soon) {
        const auto until = std::chrono::steady_clock::now() + within;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
            auto event = events.next(std::max(left, 0ms));
            if (!event) return std::nullopt;
            if (auto* wanted = std::get_if<E>(&*event)) return std::move(*wanted);
        }
    }

    void call_phone(const std::string& sdp = {}) {
        calls::Invitation invitation;
        invitation.target = "sip:phone@127.0.0.1:" + std::to_string(phone.port());
        invitation.from = "sip:a@127.0.0.1";
        invitation.sdp = sdp;
        agent().invite(leg, std::move(invitation));
    }

    /// The phone is called, and answers with these headers; that it rings is overtaken on the way.
    void connect(const std::vector<std::string>& headers = {}) {
        call_phone(offer);
        phone.dialog = phone.take("INVITE");
        auto lines = headers;
        lines.insert(lines.end(), with_sdp.begin(), with_sdp.end());
        phone.reply(phone.dialog, "200 OK", lines, offer);
        ASSERT_TRUE(reported<event::Answered>());
        phone.reply(phone.dialog, "180 Ringing");
        agent().ack(leg, {});
        phone.take("ACK");
    }

    /// The phone calls, and is answered.
    std::optional<calls::IncomingCall> take_call() {
        phone.send("INVITE", 1, with_sdp, offer);
        auto call = desk.incoming.next(soon);
        if (!call) return call;
        agent().answer({call->call, 0}, call->ticket, 200, {"application/sdp", offer});
        phone.send("ACK", 1, {}, {}, phone.answered("INVITE", 1).header("To"));
        return call;
    }

    /// The peer, which is to refresh a session of three seconds, is lost two after it last did, not before.
    void expect_lost_after(std::chrono::steady_clock::time_point refreshed) {
        EXPECT_TRUE(reported<event::Lost>());
        EXPECT_GE(std::chrono::steady_clock::now() - refreshed, 1900ms);
    }

    /// The phone asks for something, and is answered so by the call.
    void ask(const std::string& method, int number, const std::vector<std::string>& headers,
             const std::string& body, const calls::Body& answer) {
        phone.ask(method, number, headers, body);
        const auto requested = reported<event::Requested>();
        ASSERT_TRUE(requested) << method;
        agent().answer(leg, requested->ticket, 200, answer);
        EXPECT_EQ(phone.answered(method, number).status(), 200);
    }

    Phone phone;
    Desk desk;
    Reports<calls::Event> events;

  private:
    std::optional<sip::Agent> agent_;
};

sip::AgentOptions timed() {
    sip::AgentOptions options;
    options.session_expires = 60s;
    options.session_least = 1s;
    return options;
}

sip::AgentOptions hurried() {
    sip::AgentOptions options;
    options.t1 = 10ms;
    return options;
}

std::size_t resident_kb() {
    std::ifstream file("/proc/self/status");
    std::string word;
    std::size_t size = 0;
    while (file >> word) {
        if (word == "VmRSS:") file >> size;
    }
    return size;
}

TEST_F(SipDialogs, AnAckOfNothingLeavesNothing) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "what is freed stays in memory";
#endif
    start(hurried());
    const auto acknowledge_nothing = [&] {
        constexpr int number = 3'000;
        constexpr int in_a_row = 10;  // as many as wait in a socket
        for (int n = 0; n < number; ++n) {
            phone.send("ACK", n, {"Filler: " + std::string(12'000, 'x')});
            if (n % in_a_row != 0) continue;
            phone.send("OPTIONS", n, {});
            phone.answered("OPTIONS", n);
        }
        std::this_thread::sleep_for(1s);  // 64*T1, and some
    };
    acknowledge_nothing();
    const auto before = resident_kb();
    acknowledge_nothing();
    EXPECT_LT(resident_kb(), before + 15'000);
}

TEST_F(SipDialogs, AnAnswerToWhatWasNotAskedYetEndsNothing) {
    start();
    call_phone();
    const auto invite = phone.take("INVITE");
    agent().end(leg, calls::Cause::hang_up);
    EXPECT_FALSE(phone.find([](const SipMessage& m) { return m.method() == "CANCEL"; }))
        << "nobody knows whether the INVITE has come";
    phone.reply(invite.as("CANCEL"), "200 OK");
    phone.reply(invite, "100 Trying");
    const auto cancel = phone.take("CANCEL");
    EXPECT_NE(cancel.header("Reason").find("cause=16"), std::string::npos);
    phone.reply(cancel, "200 OK");
    phone.reply(invite, "487 Request Terminated");
    phone.take("ACK");
    EXPECT_TRUE(reported<event::Refused>());
}

TEST_F(SipDialogs, AnswersGoWhereRequestsComeFrom) {
    start();
    phone.via = ";rport;branch=z9hG4bKx;maddr=255.255.255.255";
    phone.send("INVITE", 1, {"Max-Forwards: 0"});
    phone.send("ACK", 1, {});
    EXPECT_EQ(phone.answered("INVITE", 1).status(), 483);
    phone.via.clear();
    phone.send("OPTIONS", 2, {});
    EXPECT_EQ(phone.answered("OPTIONS", 2).status(), 200);
}

TEST_F(SipDialogs, AnAnswerWhoseConnectionBreaksGoesByAnother) {
    start();
    namespace asio = boost::asio;
    asio::io_context io;
    asio::ip::tcp::socket stream(io, asio::ip::tcp::v4());
    stream.set_option(asio::socket_base::reuse_address(true));
    stream.bind({asio::ip::make_address("127.0.0.1"), 0});
    stream.connect({asio::ip::make_address("127.0.0.1"), phone.server});
    asio::ip::tcp::acceptor again(io, stream.local_endpoint());
    const std::string invite =
        "INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKstream\r\n"
        "From: <sip:p@127.0.0.1>;tag=p\r\nTo: <sip:a@127.0.0.1>\r\nCall-ID: stream\r\nCSeq: 1 INVITE\r\n"
        "Content-Length: 0\r\n\r\n";
    asio::write(stream, asio::buffer(invite));
    const auto call = desk.incoming.next(soon);
    ASSERT_TRUE(call);
    // While the server is busy with another one, it breaks.
    std::promise<void> busy, done;
    desk.set_busy([&] {
        busy.set_value();
        done.get_future().wait();
    });
    phone.send("INVITE", 2, {});
    busy.get_future().wait();
    agent().refuse({call->call, 0}, {486, {}, {}});
    stream.set_option(asio::socket_base::linger(true, 0));
    stream.close();
    done.set_value();
    pollfd waiting{again.native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    auto fresh = again.accept();
    std::array<char, 2'000> answer{};
    const auto size = fresh.read_some(asio::buffer(answer));
    EXPECT_EQ(SipMessage(std::string(answer.data(), size)).status(), 486);
}

TEST_F(SipDialogs, WhatIsAskedInADialogThatIsGoneIsToldSo) {
    start();
    for (const auto* method : {"OPTIONS", "INFO", "UPDATE", "BYE", "INVITE", "MESSAGE"}) {
        phone.send(method, 1, {}, {}, "<sip:a@127.0.0.1>;tag=gone");
        EXPECT_EQ(phone.answered(method, 1).status(), 481) << method;
    }
    phone.send("OPTIONS", 2, {});
    const auto answer = phone.answered("OPTIONS", 2);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_NE(answer.header("Allow").find("INVITE"), std::string::npos);
}

TEST_F(SipDialogs, OneByeIsEnoughHoweverManyAcksAreAwaited) {
    start();
    connect();
    const calls::Body body{"application/sdp", offer};
    ask("INVITE", 1, with_sdp, offer, body);
    ask("INVITE", 2, with_sdp, offer, body);
    agent().end(leg, calls::Cause::hang_up);
    phone.ask("ACK", 1);
    const auto bye = phone.take("BYE");
    phone.ask("ACK", 2);
    EXPECT_FALSE(phone.find(
        [&](const SipMessage& m) { return m.method() == "BYE" && m.header("CSeq") != bye.header("CSeq"); }));
    phone.reply(bye, "200 OK");
    EXPECT_TRUE(reported<event::Gone>());
}

TEST_F(SipDialogs, AReinviteThatNobodyWaitsForIsCancelled) {
    start();
    connect();
    agent().reinvite(leg, offer);
    const auto invite = phone.take("INVITE");
    agent().withdraw(leg);
    phone.reply(invite, "100 Trying");
    phone.reply(phone.take("CANCEL"), "200 OK");
    phone.reply(invite, "487 Request Terminated");
    ASSERT_TRUE(reported<event::Rejected>());
    agent().reinvite(leg, offer);
    const auto again = phone.take("INVITE");
    phone.reply(again, "100 Trying");
    EXPECT_FALSE(phone.find([](const SipMessage& m) { return m.method() == "CANCEL"; }));
    phone.reply(again, "200 OK", with_sdp, offer);
    EXPECT_TRUE(reported<event::Answered>());
}

TEST_F(SipDialogs, WhoeverIsAskedOnAPeersBehalfHearsThatItGaveUp) {
    start();
    connect();
    phone.via = ";branch=z9hG4bK-given-up";
    phone.ask("INVITE", 1, with_sdp, offer);
    const auto requested = reported<event::Requested>();
    ASSERT_TRUE(requested);
    phone.ask("CANCEL", 1);
    EXPECT_EQ(phone.answered("INVITE", 1).status(), 487);
    const auto withdrawn = reported<event::Withdrawn>();
    ASSERT_TRUE(withdrawn);
    EXPECT_EQ(withdrawn->ticket, requested->ticket);
}

TEST_F(SipDialogs, AToneIsNoRefresh) {
    start(timed());
    connect({"Session-Expires: 4;refresher=uac", "Require: timer", "Allow: INVITE, ACK, BYE, UPDATE, INFO"});
    ask("INFO", 1, {"Content-Type: application/dtmf-relay"}, "Signal=5\r\n", {"text/plain", "so"});
    const auto sign = phone.find([](const SipMessage& m) { return !m.method().empty(); }, soon);
    ASSERT_TRUE(sign);
    EXPECT_EQ(sign->method(), "UPDATE") << "the session's end is the peer's to watch";
}

TEST_F(SipDialogs, AnUpdateWithADescriptionIsARefresh) {
    start(timed());
    connect({"Session-Expires: 3;refresher=uas", "Supported: timer"});
    std::this_thread::sleep_for(600ms);  // of the two seconds, by which it would be lost too early
    auto headers = with_sdp;
    headers.insert(headers.end(), {"Session-Expires: 3;refresher=uac", "Supported: timer"});
    const auto refreshed = std::chrono::steady_clock::now();
    ask("UPDATE", 1, headers, offer, {"application/sdp", offer});
    expect_lost_after(refreshed);
}

TEST_F(SipDialogs, AnUpdateThatIsPassedOnIsARefresh) {
    start(timed());
    connect({"Session-Expires: 3;refresher=uas", "Supported: timer"});
    std::this_thread::sleep_for(600ms);
    const auto refreshed = std::chrono::steady_clock::now();
    agent().relay(leg, 7, calls::Method::update, {"application/sdp", offer});
    const auto update = phone.take("UPDATE");
    EXPECT_EQ(update.header("Session-Expires"), "60;refresher=uas");
    phone.reply(update, "200 OK",
                {"Session-Expires: 3;refresher=uas", "Require: timer", "Content-Type: application/sdp"},
                offer);
    ASSERT_TRUE(reported<event::Replied>());
    expect_lost_after(refreshed);
}

TEST_F(SipDialogs, ARefreshThatIsRefusedComesAgainBeforeTheSessionEnds) {
    start(timed());
    connect({"Session-Expires: 8;refresher=uac", "Require: timer", "Allow: INVITE, ACK, BYE, UPDATE"});
    const auto asked = std::chrono::steady_clock::now();
    phone.reply(phone.take("UPDATE"), "500 Server Internal Error");
    phone.take("UPDATE");
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 7600ms);
}

TEST_F(SipDialogs, APhoneThatTheNetworkDoesNotFindIsGone) {
    sip::AgentOptions options;
    options.liveness = 200ms;
    start(options);
    connect();
    phone.reply(phone.take("OPTIONS"), "200 OK");
    phone.go();
    EXPECT_FALSE(reported<event::Lost>(2s)) << "that may be a moment's trouble";
    EXPECT_TRUE(reported<event::Lost>(10s));
}

TEST_F(SipDialogs, ACallerThatNeverAcknowledgesIsLostAtOnceAndPaysForNothing) {
    start(hurried());
    phone.send("INVITE", 1, with_sdp, offer);
    const auto call = desk.incoming.next(soon);
    ASSERT_TRUE(call);
    const auto answered = std::chrono::steady_clock::now().time_since_epoch();
    agent().answer({call->call, 0}, call->ticket, 200, {"application/sdp", offer});
    const auto lost = reported<event::Lost>();
    ASSERT_TRUE(lost);
    ASSERT_TRUE(lost->alive);
    EXPECT_LE(lost->alive->steady, answered);
}

TEST_F(SipDialogs, WhatIsNoDescriptionIsNotTakenForOne) {
    start();
    phone.send("INVITE", 1, {"Content-Type: text/plain"}, "v=0\r\n");
    const auto refused = phone.answered("INVITE", 1);
    EXPECT_EQ(refused.status(), 415);
    EXPECT_EQ(refused.header("Accept"), "application/sdp");
    phone.send("INVITE", 2, {"Content-Type: Application/SDP"}, offer);
    EXPECT_TRUE(desk.incoming.next(soon)) << "case does not matter";
    connect();
    phone.ask("UPDATE", 1, {"Content-Type: text/plain"}, "v=0\r\n");
    EXPECT_EQ(phone.answered("UPDATE", 1).header("Accept"), "application/sdp");
    phone.ask("MESSAGE", 2);
    EXPECT_NE(phone.answered("MESSAGE", 2).header("Allow").find("UPDATE"), std::string::npos);
}

TEST_F(SipDialogs, ARefusalIsNotRepeatedToWhomeverAViaNames) {
    auto options = hurried();
    options.session_least = 90s;
    start(options);
    const std::vector<std::vector<std::string>> refused{{"Max-Forwards: 0"},
                                                        {"Require: precondition"},
                                                        {"Session-Expires: 1", "Supported: timer"},
                                                        {"Privacy: session;critical"},
                                                        {"Content-Type: text/plain"}};
    int number = 0;
    for (const auto& headers : refused) {
        phone.send("INVITE", ++number, headers, "x");
        EXPECT_GE(phone.answered("INVITE", number).status(), 400) << headers.front();
    }
    phone.send("INVITE", ++number, {}, {}, "<sip:a@127.0.0.1>;tag=gone");
    EXPECT_EQ(phone.answered("INVITE", number).status(), 481);
    EXPECT_FALSE(phone.find([](const SipMessage&) { return true; }));
}

TEST_F(SipDialogs, WhatACallerSaysOfItselfIsReadRight) {
    start();
    phone.send("INVITE", 1,
               {"P-Asserted-Identity: \"\\\" <sip:victim@example.com>\" <sip:+4930123@gateway.example>",
                "Privacy: ID", "Max-Forwards: 4294967295"});
    const auto call = desk.incoming.next(soon);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->sender.asserted, "sip:+4930123@gateway.example") << "its name is the caller's to choose";
    EXPECT_TRUE(call->sender.anonymous);
    EXPECT_EQ(call->max_forwards, 255);
}

TEST_F(SipDialogs, AnotherPhoneAnswersThanTheOneThatRangReliably) {
    start();
    call_phone(offer);
    phone.dialog = phone.take("INVITE");
    phone.tag = "rings";
    phone.reply(phone.dialog, "180 Ringing", {"Require: 100rel", "RSeq: 1"});
    phone.reply(phone.take("PRACK"), "200 OK");
    phone.tag = "answers";
    auto number = std::stol(phone.dialog.header("CSeq"));
    for (const auto* rseq : {"77", "78"}) {
        phone.reply(phone.dialog, "180 Ringing", {"Require: 100rel", std::string("RSeq: ") + rseq});
        const auto prack = phone.take("PRACK");
        EXPECT_TRUE(prack.header("RAck").starts_with(rseq) && prack.header("To").ends_with(";tag=answers"));
        EXPECT_LT(std::exchange(number, std::stol(prack.header("CSeq"))), std::stol(prack.header("CSeq")));
        phone.reply(prack, "200 OK");
    }
    phone.reply(phone.dialog, "200 OK", with_sdp, offer);
    ASSERT_TRUE(reported<event::Answered>());
    agent().ack(leg, {});
    const auto ack = phone.take("ACK");
    EXPECT_NE(ack.header("To").find(";tag=answers"), std::string::npos) << ack.header("To");
    EXPECT_EQ(std::stol(ack.header("CSeq")), std::stol(phone.dialog.header("CSeq")));
    phone.ask("INFO", 1);
    EXPECT_TRUE(reported<event::Requested>());
    agent().end(leg, calls::Cause::hang_up);
    const auto bye = phone.take("BYE");
    EXPECT_TRUE(bye.header("To").ends_with(";tag=answers") && number < std::stol(bye.header("CSeq")));
    phone.reply(bye, "200 OK");
    EXPECT_TRUE(reported<event::Gone>());
}

TEST_F(SipDialogs, ALaterServersByeIsBehindAllThatThisOneAsked) {
    sip::AgentOptions options;
    options.liveness = 100ms;
    start(options);
    const auto call = take_call();
    ASSERT_TRUE(call);
    const auto asked = phone.take("OPTIONS");
    phone.reply(asked, "200 OK");
    agent().hang_up_lost(call->dialog);
    const auto bye = phone.take("BYE");
    EXPECT_GT(std::stol(bye.header("CSeq")), std::stol(asked.header("CSeq")));
}

/// Asks for a password before it takes a BYE.
void expect_bye_with_credentials(Phone& phone) {
    phone.reply(phone.take("BYE"), "407 Proxy Authentication Required",
                {R"(Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth")"});
    const auto bye = phone.find(
        [](const SipMessage& m) { return m.method() == "BYE" && !m.header("Proxy-Authorization").empty(); });
    ASSERT_TRUE(bye);
    phone.reply(*bye, "200 OK");
}

TEST_F(SipDialogs, AProxyThatAsksForAPasswordGetsItForEveryDialog) {
    sip::AgentOptions options;
    options.credentials = {"ledger", "secret"};
    options.proxy = "127.0.0.1:" + std::to_string(phone.port());
    start(options);
    const auto call = take_call();
    ASSERT_TRUE(call);
    ASSERT_TRUE(reported<event::Acknowledged>());
    agent().end({call->call, 0}, calls::Cause::hang_up);
    expect_bye_with_credentials(phone);
    // An earlier server's.
    agent().hang_up_lost(call->dialog);
    expect_bye_with_credentials(phone);
}

TEST_F(SipDialogs, AGatewayThatAsksForAPasswordGetsItForAnEarlierServersDialogs) {
    sip::AgentOptions options;
    options.credentials = {"ledger", "secret"};
    options.gateway = "127.0.0.1:" + std::to_string(phone.port());
    start(options);
    calls::Invitation invitation;
    invitation.target = "tel:+4930123";
    invitation.from = "sip:a@127.0.0.1";
    agent().invite(leg, std::move(invitation));
    phone.reply(phone.take("INVITE"), "200 OK", with_sdp, offer);
    const auto answered = reported<event::Answered>();
    ASSERT_TRUE(answered);
    agent().hang_up_lost(answered->dialog);
    expect_bye_with_credentials(phone);
}

TEST_F(SipDialogs, WhatWaitsAtTheSocketGoesFirstSoThatTheQueueTellsHowLateItIs) {
    start();
    std::promise<void> busy, enough;
    desk.set_busy([&] {
        busy.set_value();
        enough.get_future().wait();
    });
    phone.send("INVITE", 21, with_sdp, offer);
    busy.get_future().wait();
    for (int n = 1; n <= 20; ++n) phone.send("OPTIONS", n, {});
    call_phone();
    enough.set_value();
    int answered = 0;
    const auto ours = [&](const SipMessage& message) {
        if (message.header("CSeq").ends_with("OPTIONS")) ++answered;
        return message.method() == "INVITE";
    };
    EXPECT_TRUE(phone.find(ours, soon));
    EXPECT_GE(answered, 4);
    EXPECT_LT(answered, 20) << "a flood is not to keep what is ours to say";
}

TEST_F(SipDialogs, AFloodOfStrangersIsDroppedAndTalksGoOn) {
    sip::AgentOptions options;
    constexpr int room = 8;
    options.requests_max = room;
    options.t1 = 100ms;
    start(std::move(options));
    connect();

    Phone stranger;
    stranger.server = phone.server;
    const auto is_answered = [&](int number, milliseconds within) {
        const auto sequence = std::to_string(number) + " OPTIONS";
        const auto fits = [&](const SipMessage& message) { return message.header("CSeq") == sequence; };
        return stranger.find(fits, within).has_value();
    };
    int number = 1;
    for (; number <= room; ++number) stranger.send("OPTIONS", number, {});
    // As of a dialog, which is not there.
    for (; number <= 2 * room; ++number)
        stranger.send("OPTIONS", number, {}, {}, "<sip:a@127.0.0.1>;tag=none");
    for (; number <= 3 * room; ++number) stranger.send("OPTIONS", number, {});
    ask("INFO", 2, {}, {}, {});  // all of those are read by now
    int answered = 0;
    for (int each = 1; each < number; ++each) answered += is_answered(each, 0ms) ? 1 : 0;
    EXPECT_GT(answered, 0);
    EXPECT_LE(answered, room);
    // Forgotten after 64 * T1, they leave room for others.
    const auto until = std::chrono::steady_clock::now() + 20s;
    bool again = false;
    while (!again && std::chrono::steady_clock::now() < until) {
        stranger.send("OPTIONS", number, {});
        again = is_answered(number++, 200ms);
    }
    EXPECT_TRUE(again);
}

}  // namespace
