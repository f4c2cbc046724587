// Builds the messages of Third Party Call v2_3 and v3_4, sends them, explains the answers.
#include "app/call_client.hpp"

#include "app/data_dir.hpp"
#include "telephony/thirdpartycall/messages.hpp"

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>

namespace app {
namespace {

const soap::Endpoint third_party_call_v2_3{&thirdpartycall::third_party_call, &thirdpartycall::versions[1]};
static_assert(thirdpartycall::versions[1].name == "v2_3");
const soap::Endpoint third_party_call_v3_4{&thirdpartycall::third_party_call, &thirdpartycall::versions[2]};
static_assert(thirdpartycall::versions[2].name == "v3_4");

/// Asks, and hands the response to `show`.
int show_answer(const CallOptions& options, const soap::Endpoint& endpoint, std::string_view name,
                const soap::Message& message, const std::function<void(soap::Message&)>& show) {
    auto answer = ask(options, endpoint, name, message);
    if (answer.fault) return refused("Refused", *answer.fault);
    show(answer.message);
    return 0;
}

soap::Message reference(const CallOptions& options) {
    thirdpartycall::CallReference message;
    message.call_identifier = options.id;
    return soap::Message::of(std::move(message));
}

/// `CallTerminated CallHangUp 42 s`, of a call or of a party.
template <class Information>
std::string text_of(const Information& information) {
    const auto literal = [](auto value) {
        const auto& type = soap::Describe<decltype(value)>::type;
        return std::string(type.literals[static_cast<std::size_t>(value)]);
    };
    auto text = literal(information.status);
    if (information.cause) text += ' ' + literal(*information.cause);
    if (information.duration) text += ' ' + std::to_string(*information.duration) + " s";
    return text;
}

/// Asks for the state of a call, or of its session. Throws PlainError with what was refused.
template <class Result>
Result look_at(const CallOptions& options, const soap::Endpoint& endpoint, std::string_view name,
               const soap::Message& message) {
    auto answer = ask(options, endpoint, name, message);
    if (answer.fault) throw PlainError("Refused: " + answer.fault->faultstring());
    return std::move(answer.message.as<Result>());
}

}  // namespace

int start_call(const CallOptions& options) {
    thirdpartycall::MakeCallSession message;
    message.participants = {options.calling};
    if (!options.called.empty()) message.participants.push_back(options.called);
    if (!options.amount.empty()) {
        thirdpartycall::Charging charging;
        charging.description = "call";
        charging.amount = base::Decimal::parse(options.amount);
        if (!charging.amount) throw PlainError("no amount: " + options.amount);
        if (!options.currency.empty()) charging.currency = options.currency;
        message.charging = std::move(charging);
    }
    return show_answer(
        options, third_party_call_v3_4, "makeCallSession", soap::Message::of(std::move(message)),
        [](soap::Message& answer) { std::cout << answer.as<thirdpartycall::Identifier>().result << '\n'; });
}

int show_call(const CallOptions& options) {
    return show_answer(
        options, third_party_call_v2_3, "getCallInformation", reference(options), [](soap::Message& answer) {
            std::cout << text_of(answer.as<thirdpartycall::CallInformationResult>().result) << '\n';
        });
}

int end_call(const CallOptions& options) {
    return show_answer(options, third_party_call_v2_3, "endCall", reference(options),
                       [](soap::Message& /*empty*/) { std::cout << "Ended.\n"; });
}

int add_participant(const CallOptions& options) {
    thirdpartycall::AddParticipant message;
    message.session = options.id;
    message.participant = options.party;
    return show_answer(options, third_party_call_v3_4, "addCallParticipant",
                       soap::Message::of(std::move(message)),
                       [](soap::Message& /*empty*/) { std::cout << "Added.\n"; });
}

int drop_participant(const CallOptions& options) {
    thirdpartycall::ParticipantReference message;
    message.session = options.id;
    message.participant = options.party;
    return show_answer(options, third_party_call_v3_4, "deleteCallParticipant",
                       soap::Message::of(std::move(message)),
                       [](soap::Message& /*empty*/) { std::cout << "Dropped.\n"; });
}

int transfer_participant(const CallOptions& options) {
    thirdpartycall::TransferParticipant message;
    message.source = options.id;
    message.participant = options.party;
    message.destination = options.target;
    return show_answer(options, third_party_call_v3_4, "transferCallParticipant",
                       soap::Message::of(std::move(message)),
                       [](soap::Message& /*empty*/) { std::cout << "Transferred.\n"; });
}

int watch_call(const CallOptions& options) {
    constexpr std::chrono::milliseconds pause{500};
    std::map<std::string, std::string> shown;
    const auto show = [&shown](const std::string& who, const std::string& state) {
        if (std::exchange(shown[who], state) != state) std::cout << who << ' ' << state << std::endl;
    };
    for (;; std::this_thread::sleep_for(pause)) {
        // The call first: once it has ended, its parties do not change any more.
        const auto call = look_at<thirdpartycall::CallInformationResult>(
            options, third_party_call_v2_3, "getCallInformation", reference(options));
        thirdpartycall::SessionReference message;
        message.session = options.id;
        const auto session = look_at<thirdpartycall::CallSessionResult>(
            options, third_party_call_v3_4, "getCallSessionInformation",
            soap::Message::of(std::move(message)));
        for (const auto& party : session.result.participants) show(party.participant, text_of(party));
        show("call", text_of(call.result));
        if (call.result.status == thirdpartycall::CallStatus::terminated) return 0;
    }
}

int trace_call(const CallOptions& options) {
    const auto reply = get(options, "/ParlayX/calls/" + percent_encoded(options.id));
    if (reply.status != 200) {
        std::cerr << "Refused: " << reply.body << '\n';
        return 1;
    }
    std::cout << reply.body;
    return 0;
}

}  // namespace app
