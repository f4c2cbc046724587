// What others ask of the calls from outside that run, and what they have done to them.
#include "telephony/calls/inbound_live.hpp"
#include "telephony/calls/live_call.hpp"

#include <algorithm>
#include <utility>

namespace calls {

void InboundCalls::end(const std::vector<CallNo>& numbers) {
    for (const auto number : numbers) {
        if (auto* live = find(number)) carry_out(number, live->call.on(event::End{}, now()));
    }
}

std::size_t InboundCalls::end_calls_of(std::string_view login) {
    std::vector<CallNo> numbers;
    for (const auto& [number, live] : live_) {
        if (live->caller && live->caller->login() == login) numbers.push_back(number);
    }
    end(numbers);
    return numbers.size();
}

std::vector<std::string> InboundCalls::running_calls() const {
    std::vector<std::string> ids;
    for (const auto& [number, live] : live_) {
        if (!live->passed_on) ids.push_back(live->record.id);
    }
    return ids;
}

void InboundCalls::taken(const std::string& id) {
    if (auto* live = find(id)) carry_out(live->number, live->call.on(event::Taken{}, now()));
}

void InboundCalls::end_calls_to(const std::set<std::string>& addresses) {
    std::vector<CallNo> numbers;
    for (const auto& [number, live] : live_) numbers.push_back(number);
    for (const auto number : numbers) {
        if (auto* live = find(number)) carry_out(number, live->call.withdraw(addresses, now()));
    }
}

std::set<std::string> InboundCalls::called() const {
    std::set<std::string> addresses;
    for (const auto& [number, live] : live_) addresses.merge(live->call.called());
    return addresses;
}

std::vector<std::string> InboundCalls::callers() const {
    std::set<std::string> logins;
    for (const auto& [number, live] : live_) {
        if (live->caller) logins.insert(live->caller->login());
    }
    return {logins.begin(), logins.end()};
}

Onlookers* InboundCalls::onlookers(const std::string& id) {
    if (auto* live = find(id)) return &live->onlookers;
    auto* ended = ended_.find(id);
    return ended != nullptr ? &ended->onlookers : nullptr;
}

void InboundCalls::heard(const std::string& id, const std::string& login) {
    if (auto* known = onlookers(id)) known->heard.insert(login);
}

/// Who wants to be nobody is that to applications.
std::optional<CallStatus> InboundCalls::status(const Reader& reader, const std::string& id) {
    const auto* known = onlookers(id);
    if (known == nullptr || !known->admit(reader)) return std::nullopt;
    const auto* live = find(id);
    auto status = live != nullptr ? live->call.status() : ended_.find(id)->status;
    if (known->anonymous_caller && !known->include(reader)) status.parties[0].address = anonymous_address;
    return status;
}

std::optional<std::string> InboundCalls::trace(const Reader& reader, const std::string& id) {
    const auto* known = onlookers(id);
    if (known == nullptr || !known->include(reader)) return std::nullopt;
    const auto* live = find(id);
    return live != nullptr ? live->ladder.text(live->call.status()) : ended_.find(id)->trace;
}

const Call* InboundCalls::connected(const std::string& id) const {
    const auto* live = find(id);
    return live != nullptr ? live->call.connected() : nullptr;
}

void InboundCalls::decline(const std::string& id) {
    if (auto* live = find(id)) carry_out(live->number, live->call.decline(now()));
}

void InboundCalls::remove(const std::string& id, const std::string& address) {
    auto* live = find(id);
    if (live == nullptr) return;
    const bool nobody = live->onlookers.anonymous_caller && address == anonymous_address;
    const auto& caller = live->call.status().parties[0].address;
    carry_out(live->number, live->call.remove(nobody ? std::string(caller) : address, now()));
}

void InboundCalls::add(const std::string& id, const std::string& address,
                       std::optional<sdp::AudioOnly> audio) {
    if (auto* live = find(id)) carry_out(live->number, live->call.on(event::Add{address, audio}, now()));
}

}  // namespace calls
