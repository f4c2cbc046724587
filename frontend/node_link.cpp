// Sealed texts: `ask RUN UNTIL NONCE\nQUESTION` and `answer NONCE\nANSWER`.
#include "frontend/node_link.hpp"

#include "base/ids.hpp"

#include <optional>
#include <sstream>
#include <utility>

namespace frontend {
namespace asio = boost::asio;
namespace {

/// How long a question may be on its way, and how much nodes' clocks may differ.
constexpr std::chrono::seconds lifetime{60};
constexpr auto content_type = "application/octet-stream";

struct Question {
    std::string run;
    std::chrono::system_clock::time_point until;
    std::string nonce;
    std::string text;
};

/// The words of the first line, and the rest.
std::optional<std::pair<std::istringstream, std::string>> parted(const std::optional<std::string>& opened,
                                                                 std::string_view first_word) {
    const auto end = opened ? opened->find('\n') : std::string::npos;
    if (end == std::string::npos) return std::nullopt;
    std::istringstream words(opened->substr(0, end));
    std::string first;
    words >> first;
    if (first != first_word) return std::nullopt;
    return std::pair(std::move(words), opened->substr(end + 1));
}

std::optional<Question> question_of(const std::optional<std::string>& opened) {
    auto parts = parted(opened, "ask");
    if (!parts) return std::nullopt;
    Question question;
    std::int64_t until = 0;
    parts->first >> question.run >> until >> question.nonce;
    if (parts->first.fail()) return std::nullopt;
    question.until = std::chrono::system_clock::time_point(std::chrono::seconds(until));
    question.text = std::move(parts->second);
    return question;
}

}  // namespace

NodeLink::NodeLink(NodeLinkOptions options, auth::SecretBox box, Handler handler, base::Logger log)
    : options_(std::move(options)),
      box_(box.derived("nodes")),
      handler_(std::move(handler)),
      log_(std::move(log)),
      client_([&] {
          http::ClientOptions client;
          // Only who is in the database's list of servers is asked.
          client.allowed = http::Networks::parse("0.0.0.0/0, ::/0").value_or(http::Networks());
          client.ca_file = options_.ca_file;
          client.connect_timeout = options_.timeout;
          return client;
      }()),
      seen_(options_.replay_limit) {}

asio::awaitable<std::optional<std::string>> NodeLink::ask(std::string url, std::string run,
                                                          std::string question) {
    const auto until = std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now() + lifetime)
                           .time_since_epoch();
    const auto nonce = base::random_hex_id();
    http::OutgoingRequest request;
    request.url = url + "/nodes";
    request.content_type = content_type;
    request.body =
        box_.seal("ask " + run + ' ' + std::to_string(until.count()) + ' ' + nonce + '\n' + question);
    request.timeout = options_.timeout;
    const auto exchanged = co_await client_.post(std::move(request));
    std::string trouble;
    if (const auto* response = std::get_if<http::IncomingResponse>(&exchanged)) {
        auto parts = parted(box_.open(response->body), "answer");
        std::string about;
        if (parts) parts->first >> about;
        if (about == nonce) co_return std::move(parts->second);
        trouble = "HTTP " + std::to_string(response->status);
    } else {
        trouble = std::get<http::NoResponse>(exchanged).reason;
    }
    log_.warning("another node does not answer", {{"url", url}, {"error", trouble}});
    co_return std::nullopt;
}

asio::awaitable<http::Response> NodeLink::answer(const http::Request& request) {
    const auto now = std::chrono::system_clock::now();
    auto question = question_of(box_.open(request.body));
    if (!question) co_return http::text_response(404, "Nothing here; see /ParlayX/");
    const bool timely = question->until > now && question->until <= now + 2 * lifetime;
    if (!timely || seen_.use(question->nonce, question->until, now) != auth::ReplayMemory::Verdict::fresh) {
        log_.warning("a question of another node is too old, or was here before: its clock may be wrong",
                     {{"client", std::string(request.peer)}});
        co_return http::text_response(403, "Too old");
    }
    // A URL that leads to somebody else, or to this server before it was started anew (RFC 9110, 15.5.20).
    if (question->run != options_.run) co_return http::text_response(421, "Another server");
    const auto answered = co_await handler_(std::move(question->text));
    http::Response response;
    response.content_type = content_type;
    response.body = box_.seal("answer " + question->nonce + '\n' + answered);
    co_return response;
}

}  // namespace frontend
