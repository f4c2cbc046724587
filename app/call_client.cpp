// Builds the messages of Third Party Call v2_3, sends them, explains the answers.
#include "app/call_client.hpp"

#include "app/data_dir.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <functional>
#include <iostream>
#include <utility>

namespace app {
namespace {

const soap::Endpoint third_party_call_v2_3{&thirdpartycall::third_party_call, &thirdpartycall::versions[1]};
static_assert(thirdpartycall::versions[1].name == "v2_3");

/// Asks, and hands the response to `show`.
int show_answer(const CallOptions& options, std::string_view name, const soap::Message& message,
                const std::function<void(soap::Message&)>& show) {
    auto answer = ask(options, third_party_call_v2_3, name, message);
    if (answer.fault) {
        std::cerr << "Refused: " << answer.fault->faultstring() << '\n';
        return 1;
    }
    show(answer.message);
    return 0;
}

soap::Message reference(const CallOptions& options) {
    thirdpartycall::CallReference message;
    message.call_identifier = options.id;
    return soap::Message::of(std::move(message));
}

void print(const thirdpartycall::CallInformation& call) {
    const auto& status = soap::Describe<thirdpartycall::CallStatus>::type;
    const auto& cause = soap::Describe<thirdpartycall::CallCause>::type;
    std::cout << status.literals[static_cast<std::size_t>(call.status)];
    if (call.cause) std::cout << ' ' << cause.literals[static_cast<std::size_t>(*call.cause)];
    if (call.duration) std::cout << ' ' << *call.duration << " s";
    std::cout << '\n';
}

}  // namespace

int start_call(const CallOptions& options) {
    thirdpartycall::MakeCall message;
    message.calling_party = options.calling;
    message.called_party = options.called;
    if (!options.amount.empty()) {
        thirdpartycall::Charging charging;
        charging.description = "call";
        charging.amount = base::Decimal::parse(options.amount);
        if (!charging.amount) throw PlainError("no amount: " + options.amount);
        if (!options.currency.empty()) charging.currency = options.currency;
        message.charging = std::move(charging);
    }
    return show_answer(options, "makeCall", soap::Message::of(std::move(message)), [](soap::Message& answer) {
        std::cout << answer.as<thirdpartycall::Identifier>().result << '\n';
    });
}

int show_call(const CallOptions& options) {
    return show_answer(options, "getCallInformation", reference(options), [](soap::Message& answer) {
        print(answer.as<thirdpartycall::CallInformationResult>().result);
    });
}

int end_call(const CallOptions& options) {
    return show_answer(options, "endCall", reference(options),
                       [](soap::Message& /*empty*/) { std::cout << "Ended.\n"; });
}

}  // namespace app
