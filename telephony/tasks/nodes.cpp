// Here, at the node that has the task, or from the record.
#include "telephony/tasks/nodes.hpp"

#include "base/sql.hpp"
#include "telephony/calls/call_id.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/tasks/directory.hpp"
#include "telephony/tasks/make_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tasks {
namespace asio = boost::asio;
namespace {

Answer nothing_but(Answer::State state) {
    Answer answer;
    answer.state = state;
    return answer;
}

/// The domain of `alice@example.com`.
std::string domain_of(const std::string& login) {
    const auto at = login.rfind('@');
    return at == std::string::npos ? std::string() : login.substr(at + 1);
}

}  // namespace

Nodes::Nodes(Options options, frontend::NodeLink& link, base::Database& database, Here here,
             asio::any_io_executor executor, base::Logger log)
    : options_(std::move(options)),
      link_(link),
      database_(database),
      here_(std::move(here)),
      executor_(std::move(executor)),
      log_(std::move(log)) {}

asio::awaitable<Answer> Nodes::ask(Question question) {
    const std::string run(calls::run_of(question.id));
    if (run.empty() || run == options_.run) co_return co_await ask_here(std::move(question));
    std::string error;
    try {
        const auto url = co_await find_node(run);
        if (!url) co_return co_await ask_record(std::move(question));
        const auto text = co_await link_.ask(*url, run, to_json(question));
        if (text) {
            auto answer = answer_from_json(*text);
            if (!answer) throw std::runtime_error("another node's answer can't be read");
            co_return std::move(*answer);
        }
        // A node that nobody reaches may still have the call, until it is missed and its calls are ended.
        const auto listed = co_await find_node(run);
        if (listed) co_return nothing_but(Answer::State::node_unavailable);
        co_return co_await ask_record(std::move(question));
    } catch (const std::runtime_error& failure) {
        error = failure.what();
    }
    log_.error("it can't be known how a call is", {{"call", question.id}, {"error", error}});
    co_return nothing_but(Answer::State::database_unavailable);
}

/// The URL of the node that this run is of; nothing: it has ended.
asio::awaitable<std::optional<std::string>> Nodes::find_node(std::string run) {
    const auto look = [run](base::sql::Session& session) {
        return session.exec("select ledger.call_server_url($1)", base::sql::params(run)).optional_text(0, 0);
    };
    co_return co_await database_.run(look);
}

asio::awaitable<Answer> Nodes::ask_here(Question question) {
    const auto look = [](Nodes& self, Question asked) -> asio::awaitable<Answer> {
        co_return self.here_(asked);
    };
    co_return co_await asio::co_spawn(executor_, look(*this, std::move(question)), asio::use_awaitable);
}

asio::awaitable<Answer> Nodes::ask_record(Question question) {
    const auto look = [id = question.id, linger = options_.linger](base::sql::Session& session) {
        return calls::recorded_call(session, id, linger);
    };
    const auto recorded = co_await database_.run(look);
    // What was said in its dialogs is not in its record.
    if (!recorded || question.what == Question::What::trace) co_return Answer{};
    const Owner owner{recorded->owner, domain_of(recorded->owner)};
    if (!may_see(question.reader, owner)) co_return Answer{};
    auto answer = nothing_but(Answer::State::known);
    answer.outcome = Outcome::already_terminated;
    answer.status = dictionary_of(recorded->status);
    co_return answer;
}

asio::awaitable<std::string> Nodes::answer(std::string question) {
    auto asked = question_from_json(question);
    if (!asked) throw std::runtime_error("another node's question can't be read");
    const auto answer = co_await ask_here(std::move(*asked));
    co_return to_json(answer);
}

}  // namespace tasks
