// Rates a volume for whom it would be charged to.
#include "payment/get_amount.hpp"

#include "payment/desk.hpp"
#include "payment/volume_terms.hpp"

#include <utility>
#include <variant>

namespace payment {
namespace {

namespace asio = boost::asio;
using frontend::Call;

asio::awaitable<std::variant<ledger::Rated, frontend::Refused>> rate(ledger::Ledger& ledger,
                                                                     const AmountStyle& style,
                                                                     const Call& call, GetAmount request) {
    auto terms = volume_terms(request.volume, std::move(request.parameters), std::move(request.balance_type));
    if (!terms) co_return refused(terms.error(), Measure::volume);
    auto located = co_await ledger.locate(std::move(request.end_user));
    auto found = found_account(call, std::move(located));
    if (auto* refusal = std::get_if<frontend::Refused>(&found)) co_return std::move(*refusal);
    ledger::RateVolume question;
    question.account = std::get<FoundAccount>(found).account;
    question.application = call.principal->application();
    question.volume = std::move(terms->volume);
    question.balance_type = std::move(terms->balance_type);
    auto rated = co_await ledger.rate(std::move(question));
    if (!rated) co_return refused(rated.error(), Measure::volume);
    if (style.is_minor(*call.principal)) {
        auto& amount = rated->amount;
        for (int digits = rated->decimals - amount.scale; digits > 0; --digits) amount.unscaled *= 10;
        amount.scale = 0;
    }
    co_return std::move(*rated);
}

}  // namespace

asio::awaitable<frontend::Answer<GetAmountResult>> get_amount(ledger::Ledger& ledger,
                                                              const AmountStyle& style, const Call& call,
                                                              GetAmount request) {
    auto outcome = co_await rate(ledger, style, call, std::move(request));
    if (auto* refusal = std::get_if<frontend::Refused>(&outcome)) co_return std::move(*refusal);
    auto& rated = std::get<ledger::Rated>(outcome);
    GetAmountResult answer;
    answer.result.description = std::move(rated.tariff).value_or(rated.unit);
    answer.result.currency = std::move(rated.unit);
    answer.result.amount = rated.amount;
    co_return answer;
}

asio::awaitable<frontend::Answer<GetAmountResultV20>> get_amount_v20(ledger::Ledger& ledger,
                                                                     const AmountStyle& style,
                                                                     const Call& call, GetAmount request) {
    auto outcome = co_await rate(ledger, style, call, std::move(request));
    if (auto* refusal = std::get_if<frontend::Refused>(&outcome)) co_return std::move(*refusal);
    GetAmountResultV20 answer{std::get<ledger::Rated>(outcome).amount};
    co_return answer;
}

}  // namespace payment
