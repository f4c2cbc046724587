// Looks the request up and writes JSON.
#include "payment/request_status.hpp"

#include "frontend/soap/message.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>
#include <vector>

namespace asio = boost::asio;
namespace json = boost::json;

namespace payment {
namespace {

using ledger::Refusal;

frontend::StatusAnswer not_found() {
    const json::object body{
        {"error", "not-found"},
        {"message",
         "No request of yours under this reference is known on this account. It may still be in flight, or "
         "it "
         "was refused. Repeating it with the same reference is safe: it is carried out once."}};
    return {404, json::serialize(body)};
}

frontend::StatusAnswer try_again() {
    const json::object body{{"error", "unavailable"},
                            {"message", "The ledger can't be asked now; try again."}};
    return {503, json::serialize(body)};
}

std::string text_of(ledger::TimePoint time) {
    std::string text;
    soap::xsd::date_time.print(soap::xsd::date_time, &time, text);
    return text;
}

json::object row_of(const ledger::KnownRequest& request) {
    json::object row{{"operation", request.operation},
                     {"outcome", "done"},
                     {"amount", request.amount.text(request.decimals)},
                     {"unit", request.unit}};
    if (request.refunded.unscaled != 0) row["refunded"] = request.refunded.text(request.decimals);
    row["time"] = text_of(request.recorded_at);
    return row;
}

}  // namespace

asio::awaitable<frontend::StatusAnswer> request_status(ledger::Ledger& ledger,
                                                       frontend::StatusQuestion question) {
    // Of its own requests an application may know, whatever became of the account and of its rights.
    ledger::Ledger::MayKnow always = [](const ledger::Account&, const std::string&) { return true; };
    const auto [address, account] = co_await ledger.locate_to_post(question.address, std::move(always));
    if (!account) co_return account.error() == Refusal::unknown_account ? not_found() : try_again();
    const auto known =
        co_await ledger.requests(*account, question.principal->application(), question.reference);
    if (!known) co_return try_again();
    if (known->empty()) co_return not_found();
    json::array rows;
    for (const auto& request : *known) rows.push_back(row_of(request));
    json::object body{{"referenceCode", question.reference}, {"endUserIdentifier", address}};
    body["requests"] = std::move(rows);
    co_return frontend::StatusAnswer{200, json::serialize(body)};
}

}  // namespace payment
