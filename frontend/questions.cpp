// From the target to the question, from the answer to the response.
#include "frontend/questions.hpp"

#include <utility>

namespace frontend {
namespace asio = boost::asio;

namespace {

constexpr auto nothing_here = "Nothing here; see /ParlayX/";

}  // namespace

http::Response text_response(unsigned status, std::string text) {
    http::Response response;
    response.status = status;
    response.content_type = plain_text;
    response.body = std::move(text) + '\n';
    return response;
}

asio::awaitable<http::Response> status_response(const RequestStatus& ask, auth::PrincipalPtr principal,
                                                const Route& route) {
    if (!ask) co_return text_response(404, nothing_here);
    auto reference = percent_decoded(route.reference);
    auto address = query_value(route.query, "endUserIdentifier");
    if (!reference || !address || address->empty()) {
        co_return text_response(
            400, "GET /ParlayX/requests/REFERENCE?endUserIdentifier=URI, both percent-encoded");
    }
    StatusQuestion question{std::move(principal), std::move(*reference), std::move(*address)};
    auto answer = co_await ask(std::move(question));
    http::Response response;
    response.status = answer.status;
    response.content_type = "application/json";
    response.body = std::move(answer.json) + '\n';
    co_return response;
}

asio::awaitable<http::Response> trace_response(const CallTrace& ask, auth::PrincipalPtr principal,
                                               const Route& route) {
    if (!ask) co_return text_response(404, nothing_here);
    auto call = percent_decoded(route.reference);
    if (!call) co_return text_response(400, "GET /ParlayX/calls/ID");
    TraceQuestion question{std::move(principal), std::move(*call)};
    auto trace = co_await ask(std::move(question));
    if (trace.status == 404) co_return text_response(404, "No such call");
    if (trace.status != 200) co_return text_response(trace.status, "Not to be known now; try again");
    http::Response response;
    response.content_type = plain_text;
    response.body = std::move(trace.text);
    co_return response;
}

}  // namespace frontend
