// Applications that are asked and told: real HTTP, real rows; slow ones, absent ones, and those that talk
// nonsense.
#include "frontend/auth/users.hpp"
#include "frontend/http/server.hpp"
#include "telephony/applications/soap_applications.hpp"
#include "telephony/rules/store.hpp"
#include "tests/support/io_threads.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <set>

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using applications::Directive;
using applications::Event;
using applications::Manner;
using applications::NewNotification;
using applications::Question;
using applications::SoapApplications;
using applications::Started;
using applications::StopEvents;
using applications::Storage;
using applications::Verb;
using applications::Watched;

constexpr auto patience = 60s;

std::string envelope(const std::string& body) {
    return R"(<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>)" + body +
           "</e:Body></e:Envelope>";
}
std::string action(const std::string& children, const std::string& version = "v3_2") {
    return envelope(R"(<l:handleBusyResponse xmlns:l="http://www.csapi.org/schema/parlayx/call_direction/)" +
                    version + R"(/local"><l:result>)" + children + "</l:result></l:handleBusyResponse>");
}

/// An application: answers as its path says, and remembers what it was sent.
class Application : public http::Handler {
  public:
    asio::awaitable<http::Response> handle(const http::Request& request) override {
        const std::string path(request.target);
        http::Response response;
        response.content_type = "text/xml";
        {
            const std::lock_guard lock(mutex_);
            requests_.emplace_back(request.body);
            arrived_.notify_all();
            if (failing_) {
                response.status = 503;
                response.body = "later";
                co_return response;
            }
        }
        response.body = answer_to(path);
        if (path == "/fault") response.status = 500;
        if (path == "/page") response.status = 200;
        if (path == "/moved") {
            response.status = 302;
            response.add_header("Location", "/route");
        }
        if (path == "/slow") {
            asio::steady_timer timer(co_await asio::this_coro::executor, patience);
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return response;
    }
    http::Response refuse(const http::Request&, http::Refusal, unsigned status) override {
        http::Response response;
        response.status = status;
        return response;
    }

    void fail(bool on) {
        const std::lock_guard lock(mutex_);
        failing_ = on;
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return requests_.size();
    }
    /// The requests, once there are so many.
    std::vector<std::string> wait_for(std::size_t number) {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, patience, [&] { return requests_.size() >= number; });
        return requests_;
    }

  private:
    static std::string answer_to(const std::string& path) {
        if (path == "/route" || path == "/slow")
            return action(
                "<actionToPerform>Route</actionToPerform><routingAddress>tel:+15550003</routingAddress>");
        if (path == "/fork")
            return action(
                "<actionToPerform>Fork</actionToPerform><routingAddress>tel:+15550003</routingAddress>"
                "<routingAddress>tel:+15550004</routingAddress><charging><description>two</description>"
                "<currency>EUR</currency><amount>0.50</amount></charging>");
        if (path == "/end") return action("<actionToPerform>EndCall</actionToPerform>");
        if (path == "/nowhere") return action("<actionToPerform>Route</actionToPerform>");
        if (path == "/other-verb") return action("<actionToPerform>Explode</actionToPerform>");
        if (path == "/wrong-namespace") return action("<actionToPerform>EndCall</actionToPerform>", "v9_9");
        if (path == "/empty-body") return envelope("");
        if (path == "/other-operation") return envelope(R"(<l:handleFireResponse xmlns:l="urn:x"/>)");
        if (path == "/page") return "<html>welcome</html>";
        if (path == "/large") return std::string(300'000, ' ');
        if (path == "/fault")
            return envelope(
                "<e:Fault><faultcode>e:Server</faultcode><faultstring>no</faultstring></e:Fault>");
        return {};
    }

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::string> requests_;
    bool failing_ = false;
};

class ApplicationsOnTheWire : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        database.emplace();
        auto session = database->session("ledgerline_service");
        auth::Users users(session, "example.com");
        auth::NewUser shop{.login = "shop",
                           .kind = auth::Kind::application,
                           .grants = {{"example.com", auth::Permission::call_charge}}};
        users.create(shop, "shop");
        users.create(auth::NewUser{.login = "other", .kind = auth::Kind::application}, "other");
        users.create(auth::NewUser{.login = "alice",
                                   .kind = auth::Kind::subscriber,
                                   .addresses = {"tel:+15550001", "sip:alice@example.com"}},
                     "alice");
    }
    static void TearDownTestSuite() { database.reset(); }
    static inline std::optional<tests::TestDatabase> database;

    void SetUp() override {
        database->session().exec("delete from notification.live");
        base::Database::Options options;
        options.session.url = database->url();
        options.session.statement_timeout = 10s;
        options.sessions = 2;
        pool_.emplace(options);
        storage_.emplace(*pool_);
        http::Options listen;
        listen.listen = {{"127.0.0.1", 0, false, 0}};
        server_.emplace(server_threads_.contexts(), application_, listen);
        server_->start();
        http::ClientOptions client;
        client.allowed = http::Networks::parse("127.0.0.0/8").value();
        client.body_limit = 100'000;
        client_.emplace(decoder_, client);
        options_.ask_timeout = 1s;
        options_.tell_pause = 10ms;
        options_.breaker.failures = 3;
        options_.breaker.pause = 200ms;
        make();
    }
    void TearDown() override {
        on_executor([this] { applications_->stop(); });
        wait_until("ledgerline_application_tells_waiting 0\n");
        threads_.stop();
        server_.reset();
    }

    void make() {
        const auto heard = [this](const std::string& session, const std::string& login) {
            heard_.insert(session + ' ' + login);
        };
        applications_.emplace(options_, *storage_, *client_, heard, executor(),
                              base::Logger(base::LogLevel::error));
    }
    [[nodiscard]] asio::any_io_executor executor() const {
        return threads_.contexts().front()->get_executor();
    }
    template <class Work>
    void on_executor(Work work) {
        std::promise<void> done;
        asio::post(executor(), [&] {
            work();
            done.set_value();
        });
        done.get_future().get();
    }
    template <class Result>
    Result run(asio::awaitable<Result> work) {
        return asio::co_spawn(executor(), std::move(work), asio::use_future).get();
    }

    static std::int64_t principal(const std::string& name) {
        auto session = database->session();
        return session
            .exec("select principal_id from auth.principal where name = $1", base::sql::params(name))
            .integer(0, 0);
    }
    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    }
    NewNotification notification(Manner manner, const std::string& path,
                                 const std::string& correlator = "c") {
        NewNotification result;
        result.principal = principal("shop");
        result.manner = manner;
        result.correlator = correlator;
        result.endpoint = path.starts_with("http") ? path : url(path);
        result.interface_name = "CallDirection";
        result.manager = {3, 1};
        result.watched = {{7, "tel:+15550002"}};
        result.events = {Event::busy, Event::no_answer};
        result.limit = 100;
        return result;
    }
    /// The id of the only notification.
    static std::string id() {
        auto session = database->session();
        return std::string(session.exec("select notification_id from notification.live").text(0, 0));
    }
    std::string started(Manner manner, const std::string& path) {
        EXPECT_EQ(run(storage_->start(notification(manner, path))), Started::started);
        return id();
    }

    Directive ask(const std::string& id) {
        std::promise<Directive> answer;
        asio::post(executor(), [&] {
            const auto done = [&answer](Directive directive) { answer.set_value(std::move(directive)); };
            applications_->ask(Question{id, Event::busy, "tel:+15550001", "Alice", "tel:+15550002", "42"},
                               done);
        });
        return answer.get_future().get();
    }
    /// What a question to an application at this path comes to.
    Directive ask_at(const std::string& path) {
        const auto directive = ask(started(Manner::ask, path));
        run(storage_->stop(principal("shop"), Manner::ask, "c"));
        on_executor([this] { applications_->forget_all(); });
        return directive;
    }
    void tell(const std::string& id, const std::string& session = "42", Event event = Event::busy) {
        asio::post(executor(), [this, id, session, event] {
            applications_->tell(Question{id, event, "tel:+15550001", "", "tel:+15550002", session});
        });
    }

    [[nodiscard]] std::string metrics() const {
        std::string text;
        applications_->append_metrics(text);
        return text;
    }
    void wait_until(const std::string& line) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (metrics().find(line) == std::string::npos) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << line << metrics();
            std::this_thread::sleep_for(2ms);
        }
    }
    static std::string asks(const std::string& result, int number) {
        return "ledgerline_application_asks_total{result=\"" + result + "\"} " + std::to_string(number) +
               '\n';
    }
    static std::string tells(const std::string& result, int number) {
        return "ledgerline_application_tells_total{result=\"" + result + "\"} " + std::to_string(number) +
               '\n';
    }

    soap::XmlRuntime xml_;
    soap::Catalogue catalogue_{{&applications::call_direction, &applications::call_notification}};
    soap::Decoder decoder_{xml_, catalogue_};
    Application application_;
    SoapApplications::Options options_;
    std::set<std::string> heard_;                      // sessions, by whom
    tests::IoThreads threads_{1}, server_threads_{1};  // first: the others have timers and sockets there
    std::optional<base::Database> pool_;
    std::optional<Storage> storage_;
    std::optional<frontend::SoapClient> client_;
    std::optional<SoapApplications> applications_;
    std::optional<http::Server> server_;
};

TEST_F(ApplicationsOnTheWire, AnApplicationDecides) {
    EXPECT_EQ(ask_at("/route"), (Directive{Verb::route, {"tel:+15550003"}, std::nullopt}));
    EXPECT_EQ(heard_, std::set<std::string>{"42 shop@example.com"});
    EXPECT_EQ(ask_at("/end"), (Directive{Verb::end_call, {}, std::nullopt}));
    // Those who write it by hand are not always right about namespaces.
    EXPECT_EQ(ask_at("/wrong-namespace").verb, Verb::end_call);
    const auto fork = ask_at("/fork");
    EXPECT_EQ(fork.verb, Verb::fork);
    EXPECT_EQ(fork.addresses, (std::vector<std::string>{"tel:+15550003", "tel:+15550004"}));
    ASSERT_TRUE(fork.toll);
    EXPECT_EQ(fork.toll->charging.amount->text(), "0.5");
    EXPECT_EQ(fork.toll->application, "shop");
    EXPECT_EQ(fork.toll->payers.domains, std::vector<std::string>{"example.com"});
    EXPECT_FALSE(fork.toll->minor);
    const auto requests = application_.wait_for(4);
    EXPECT_NE(requests[0].find("correlator>c<"), std::string::npos) << requests[0];
    EXPECT_NE(requests[0].find("callSessionIdentifier>42<"), std::string::npos) << requests[0];
    EXPECT_NE(metrics().find(asks("answered", 4)), std::string::npos) << metrics();
}

TEST_F(ApplicationsOnTheWire, WhoTalksNonsenseDecidesNothing) {
    options_.breaker.failures = 1'000;
    make();
    for (const auto* path :
         {"/nowhere", "/other-verb", "/other-operation", "/page", "/large", "/fault", "/moved", "/empty"}) {
        EXPECT_EQ(ask_at(path), Directive{}) << path;
    }
    EXPECT_EQ(application_.count(), 8U) << "each was asked once";
    EXPECT_NE(metrics().find(asks("nonsense", 1)), std::string::npos) << metrics();
    EXPECT_NE(metrics().find(asks("failed", 7)), std::string::npos) << metrics();
}

TEST_F(ApplicationsOnTheWire, WhoIsSlowOrAwayHoldsNobodyUp) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(ask_at("/slow"), Directive{});
    EXPECT_LT(std::chrono::steady_clock::now() - before, patience / 2);
    EXPECT_EQ(ask_at("http://127.0.0.1:9/nobody"), Directive{});
    EXPECT_EQ(ask_at("http://192.168.7.7/private"), Directive{});
    EXPECT_EQ(ask("00000000-0000-0000-0000-000000000000"), Directive{});
    EXPECT_EQ(ask("no id at all"), Directive{});
    EXPECT_NE(metrics().find(asks("unknown", 2)), std::string::npos) << metrics();
}

TEST_F(ApplicationsOnTheWire, AStoppedNotificationIsForgottenWhenTheDatabaseSaysSo) {
    const auto known = started(Manner::ask, "/route");
    EXPECT_EQ(ask(known).verb, Verb::route);
    EXPECT_TRUE(run(storage_->stop(principal("shop"), Manner::ask, "c")));
    on_executor([&] { applications_->forget(known); });
    EXPECT_EQ(ask(known), Directive{});
}

TEST_F(ApplicationsOnTheWire, AnApplicationThatFailsIsLeftAloneUntilItAnswersAgain) {
    const auto known = started(Manner::ask, "/route");
    application_.fail(true);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(known), Directive{});
    EXPECT_NE(metrics().find("ledgerline_application_endpoints_open 1\n"), std::string::npos);
    const auto asked = application_.count();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(known), Directive{});
    EXPECT_LE(application_.count(), asked + 2) << "at most a try now and then";
    application_.fail(false);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (ask(known).verb != Verb::route) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    EXPECT_NE(metrics().find("ledgerline_application_endpoints_open 0\n"), std::string::npos);
    EXPECT_EQ(ask(known).verb, Verb::route);
}

TEST_F(ApplicationsOnTheWire, WhatIsToldIsToldOnceAndInOrder) {
    const auto known = started(Manner::tell, "/told");
    for (int i = 0; i < 20; ++i) tell(known, "same", i % 2 == 0 ? Event::busy : Event::no_answer);
    const auto requests = application_.wait_for(20);
    wait_until(tells("delivered", 20));
    ASSERT_EQ(requests.size(), 20U);
    for (std::size_t i = 0; i < requests.size(); ++i)
        EXPECT_NE(requests[i].find(i % 2 == 0 ? "notifyBusy" : "notifyNoAnswer"), std::string::npos) << i;
}

TEST_F(ApplicationsOnTheWire, WhoIsAwayForAWhileIsToldAfterwards) {
    const auto known = started(Manner::tell, "/told");
    application_.fail(true);
    for (int i = 0; i < 10; ++i) tell(known, std::to_string(i));
    wait_until("ledgerline_application_endpoints_open 1\n");
    wait_until("ledgerline_application_tells_waiting 10\n");
    application_.fail(false);
    wait_until(tells("delivered", 10));
    EXPECT_NE(metrics().find(tells("lost", 0)), std::string::npos) << metrics();
}

TEST_F(ApplicationsOnTheWire, WhatCannotBeToldIsLostAfterAWhile) {
    options_.tell_for = 300ms;
    make();
    const auto known = started(Manner::tell, "/told");
    application_.fail(true);
    for (int i = 0; i < 10; ++i) tell(known, std::to_string(i));
    wait_until(tells("lost", 10));
    wait_until("ledgerline_application_tells_waiting 0\n");
}

TEST_F(ApplicationsOnTheWire, QueuesAreBounded) {
    options_.tells_per_endpoint = 5;
    make();
    const auto known = started(Manner::tell, "/told");
    application_.fail(true);
    for (int i = 0; i < 20; ++i) tell(known, std::to_string(i));
    wait_until(tells("skipped", 15));
    application_.fail(false);
    wait_until(tells("delivered", 5));
}

TEST_F(ApplicationsOnTheWire, AFaultIsAnAnswerToWhatIsTold) {
    const auto known = started(Manner::tell, "/fault");
    tell(known);
    wait_until(tells("refused", 1));
    EXPECT_EQ(application_.count(), 1U);
}

/// Who answers in an own way has heard it all the same; again and again, it would hear it for nothing.
TEST_F(ApplicationsOnTheWire, AnySoapAnswerIsAReceiptOfWhatIsTold) {
    tell(started(Manner::tell, "/other-operation"));
    wait_until(tells("delivered", 1));
    EXPECT_EQ(application_.count(), 1U);
    run(storage_->stop(principal("shop"), Manner::tell, "c"));
    on_executor([this] { applications_->forget_all(); });
    tell(started(Manner::tell, "/empty-body"));
    wait_until(tells("delivered", 2));
    EXPECT_EQ(application_.count(), 2U);
}

TEST_F(ApplicationsOnTheWire, AtTheEndWhatWaitsIsTriedOnceMore) {
    options_.tell_pause = 60s;
    options_.breaker.failures = 1'000;
    make();
    const auto known = started(Manner::tell, "/told");
    application_.fail(true);
    tell(known);
    application_.wait_for(1);
    application_.fail(false);
    on_executor([this] { applications_->stop(); });
    wait_until("ledgerline_application_tells_waiting 0\n");
    EXPECT_EQ(metrics().find(tells("lost", 1)), std::string::npos) << metrics();
    tell(known);
    wait_until(tells("skipped", 1));
}

TEST_F(ApplicationsOnTheWire, CorrelatorsAndDecisionsAreUnique) {
    EXPECT_EQ(run(storage_->start(notification(Manner::ask, "/a"))), Started::started);
    EXPECT_EQ(run(storage_->start(notification(Manner::ask, "/b"))), Started::duplicate);
    EXPECT_EQ(run(storage_->start(notification(Manner::tell, "/b"))), Started::started);
    // Another event, or the same one of another account, is something else.
    auto overlapping = notification(Manner::ask, "/b", "d");
    overlapping.principal = principal("other");
    EXPECT_EQ(run(storage_->start(overlapping)), Started::overlapping);
    overlapping.events = {Event::not_reachable};
    EXPECT_EQ(run(storage_->start(overlapping)), Started::started);
    auto elsewhere = notification(Manner::ask, "/b", "e");
    elsewhere.watched = {{8, "tel:+15550002"}};
    EXPECT_EQ(run(storage_->start(elsewhere)), Started::started);
    // Being told takes nothing from anybody.
    EXPECT_EQ(run(storage_->start(notification(Manner::tell, "/b", "f"))), Started::started);
    auto limited = notification(Manner::tell, "/b", "g");
    limited.limit = 4;
    EXPECT_EQ(run(storage_->start(limited)), Started::too_many);
    limited.limit = 5;
    EXPECT_EQ(run(storage_->start(limited)), Started::started);
}

TEST_F(ApplicationsOnTheWire, OfTwoAtOnceThatOverlapOneIsStarted) {
    auto other = notification(Manner::ask, "/b");
    other.principal = principal("other");
    other.watched = {{7, "tel:+15550002"}, {3, "tel:+15550005"}};
    auto mine = notification(Manner::ask, "/a");
    mine.watched = {{3, "tel:+15550005"}, {7, "tel:+15550002"}};
    for (int i = 0; i < 20; ++i) {
        auto first = asio::co_spawn(executor(), storage_->start(mine), asio::use_future);
        auto second = asio::co_spawn(executor(), storage_->start(other), asio::use_future);
        const std::vector results{first.get(), second.get()};
        EXPECT_EQ(std::ranges::count(results, Started::started), 1);
        EXPECT_EQ(std::ranges::count(results, Started::overlapping), 1);
        database->session().exec("delete from notification.live");
    }
}

TEST_F(ApplicationsOnTheWire, StoppingByAddressesTakesOnlyThose) {
    auto both = notification(Manner::ask, "/a");
    both.watched = {{7, "tel:+15550002"}, {8, "tel:+15550003"}};
    EXPECT_EQ(run(storage_->start(both)), Started::started);
    const auto events_left = [] {
        return database->session().exec("select count(*) from notification.watch").integer(0, 0);
    };
    EXPECT_EQ(events_left(), 4);
    StopEvents stop;
    stop.principal = principal("other");
    stop.manner = Manner::ask;
    stop.watched = {{7, "tel:+15550002"}};
    stop.events = {Event::busy};
    EXPECT_EQ(run(storage_->stop_events(stop)), 0) << "another's";
    stop.principal = principal("shop");
    stop.manner = Manner::tell;
    EXPECT_EQ(run(storage_->stop_events(stop)), 0) << "another manner";
    stop.manner = Manner::ask;
    EXPECT_EQ(run(storage_->stop_events(stop)), 1);
    EXPECT_EQ(events_left(), 3);
    EXPECT_EQ(run(storage_->stop_events(stop)), 0);
    stop.principal.reset();
    stop.watched.push_back({8, "tel:+15550003"});
    stop.events = {Event::busy, Event::no_answer};
    EXPECT_EQ(run(storage_->stop_events(stop)), 1);
    EXPECT_EQ(events_left(), 0);
    EXPECT_FALSE(run(storage_->stop(principal("shop"), Manner::ask, "c"))) << "nothing was left of it";
}

TEST_F(ApplicationsOnTheWire, CallsSeeNotificationsAsRules) {
    auto everything = notification(Manner::tell, "/a");
    everything.events = {applications::events.begin(), applications::events.end()};
    EXPECT_EQ(run(storage_->start(everything)), Started::started);
    auto session = database->session("ledgerline_service");
    const auto rows = session.exec(
        "select notification, kind, name, stage, address from notification.rules_of(7) order by stage");
    ASSERT_EQ(rows.size(), 6U);
    EXPECT_EQ(rows.text(0, 0), id());
    EXPECT_EQ(rows.text(0, 1), "notify");
    EXPECT_EQ(rows.text(0, 2), "notification c of shop");
    std::string stages;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows.text(i, 4), "tel:+15550002");
        stages += std::string(rows.text(i, 3)) + ' ';
    }
    EXPECT_EQ(stages, "answered busy ended error immediately no-answer ");
    EXPECT_EQ(session.exec("select * from notification.rules_of(8)").size(), 0U);
    const auto set = rules::load(session, {7, "example.com"});
    ASSERT_EQ(set.account.size(), 6U);
    rules::CallFacts facts;
    facts.called = "tel:+15550002";
    const auto decision = rules::evaluate(set, rules::Stage::busy, 0s, facts);
    ASSERT_EQ(decision.notify.size(), 1U);
    EXPECT_EQ(decision.notify.front()->action, rules::Action(rules::action::Notify{id()}));
    facts.called = "sip:bob@example.com";
    EXPECT_TRUE(rules::evaluate(set, rules::Stage::busy, 0s, facts).notify.empty());
}

TEST_F(ApplicationsOnTheWire, WhatIsKnownOfWhoStartedIt) {
    auto subscribers = notification(Manner::ask, "/a");
    subscribers.principal = principal("alice");
    subscribers.manager = {2, 4};
    EXPECT_EQ(run(storage_->start(subscribers)), Started::started);
    const auto found = run(storage_->find(id()));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->login, "alice@example.com");
    EXPECT_EQ(found->payers.own, "sip:alice@example.com");
    EXPECT_TRUE(found->payers.domains.empty());
    EXPECT_TRUE(found->payers.prefixes.empty());
    EXPECT_EQ(found->manager, (soap::VersionNumber{2, 4}));
    EXPECT_EQ(found->endpoint, url("/a"));
    auto session = database->session("ledgerline_service");
    session.exec("select auth.set_enabled('example.com', 'alice', false)");
    EXPECT_FALSE(run(storage_->find(id())));
    EXPECT_EQ(session.exec("select * from notification.rules_of(7)").size(), 0U);
    session.exec("select auth.set_enabled('example.com', 'alice', true)");
    session.exec("select auth.set_limit('example.com', 'alice', 'address_prefix', 'tel:+1555', 0)");
    EXPECT_EQ(run(storage_->find(id()))->payers.prefixes, std::vector<std::string>{"tel:+1555"});
    EXPECT_EQ(run(storage_->find(id()))->screen, auth::CallScreen());
    session.exec("select auth.set_limit('example.com', 'alice', 'call_allow', 'tel:+49', 0)");
    for (const auto* prefix : {"tel:+4940", "tel:+4930"})
        session.exec("select auth.set_limit('example.com', 'alice', 'call_deny', $1, 0)",
                     base::sql::params(prefix));
    EXPECT_EQ(run(storage_->find(id()))->screen, (auth::CallScreen{{"tel:+49"}, {"tel:+4930", "tel:+4940"}}));
    session.exec("select auth.set_limit('example.com', 'alice', 'call_allow', 'tel:+49', null)");
    for (const auto* prefix : {"tel:+4940", "tel:+4930"})
        session.exec("select auth.set_limit('example.com', 'alice', 'call_deny', $1, null)",
                     base::sql::params(prefix));
    session.exec("select auth.set_limit('example.com', 'alice', 'address_prefix', 'tel:+1555', null)");
}

TEST_F(ApplicationsOnTheWire, WhoCountsMinorUnitsDoesInActionsToo) {
    options_.counts_minor = [](const std::string& login) { return login == "shop@example.com"; };
    make();
    const auto fork = ask_at("/fork");
    ASSERT_TRUE(fork.toll);
    EXPECT_TRUE(fork.toll->minor);
}

TEST_F(ApplicationsOnTheWire, OtherNodesHearOfIt) {
    auto session = database->session("ledgerline_service");
    session.listen("rules_changed");
    session.listen(std::string(Storage::stopped_channel));
    const auto known = started(Manner::ask, "/a");
    run(storage_->stop(principal("shop"), Manner::ask, "c"));
    std::vector<std::string> heard;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (heard.size() < 3 && std::chrono::steady_clock::now() < deadline) {
        for (const auto& each : session.wait_for_notifications(100ms))
            heard.push_back(each.channel + ' ' + each.payload);
    }
    std::ranges::sort(heard);
    EXPECT_EQ(heard, (std::vector<std::string>{"notification_stopped " + known, "rules_changed 7",
                                               "rules_changed 7"}));
}

}  // namespace
