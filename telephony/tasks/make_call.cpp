// Inbox and status dictionary of parlayMakeCall.
#include "telephony/tasks/make_call.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace tasks {
namespace {

calls::CallOptions numbered(calls::CallOptions options, std::uint64_t number) {
    options.session = number * legs_max;  // each leg has its own
    return options;
}

/// Version 2 says whose it was, except where it does not matter.
std::string version2_cause(calls::Cause cause, std::optional<calls::LegNo> culprit) {
    const bool nobodys = cause == calls::Cause::hang_up || cause == calls::Cause::aborted;
    const std::string whose = nobodys ? "Call" : culprit.value_or(0) == 0 ? "CallingParty" : "CalledParty";
    return whose + std::string(parlay_name(cause));
}

std::string_view phase_name(calls::Phase phase) {
    if (phase == calls::Phase::initial) return "Initial";
    return phase == calls::Phase::connected ? "Connected" : "Terminated";
}

/// Kinds that Parlay X has no name for, and media that flow in no direction, are left out.
std::vector<Dictionary> media_status(const std::vector<calls::sdp::Medium>& media) {
    std::vector<Dictionary> result;
    for (const auto& medium : media) {
        const auto* const name = medium.kind == "audio"         ? "Audio"
                                 : medium.kind == "video"       ? "Video"
                                 : medium.kind == "message"     ? "Chat"
                                 : medium.kind == "application" ? "Data"
                                                                : nullptr;
        if (name == nullptr || (!medium.sends && !medium.receives)) continue;
        auto& entries = result.emplace_back().entries;
        entries["media"] = std::string(name);
        entries["mediaDirection"] = std::string(medium.sends && medium.receives ? "InOut"
                                                : medium.sends                  ? "Out"
                                                                                : "In");
    }
    return result;
}

Dictionary party_status(const calls::PartyStatus& party) {
    Dictionary result;
    auto& entries = result.entries;
    entries["address"] = party.address;
    entries["status"] = "CallParticipant" + std::string(phase_name(party.phase));
    if (party.started) entries["startTime"] = party.started->wall;
    if (party.ended && party.started)
        entries["duration"] = calls::seconds_between(party.started, party.ended);
    if (party.cause) entries["terminationCause"] = "CallParticipant" + std::string(parlay_name(*party.cause));
    return result;
}

bool has_ended(const Dictionary& party) {
    return *party.find<std::string>("status") == "CallParticipantTerminated";
}

/// The leg that an event of the network is about. What the bridge says is of a leg as it was here.
std::optional<calls::LegNo> leg_of(const calls::Event& event) {
    return std::visit(
        [](const auto& known) -> std::optional<calls::LegNo> {
            using Known = std::remove_cvref_t<decltype(known)>;
            constexpr bool of_bridge =
                std::is_same_v<Known, calls::event::Joined> || std::is_same_v<Known, calls::event::Unbridged>;
            if constexpr (!of_bridge && requires { known.leg; }) return known.leg;
            return std::nullopt;
        },
        event);
}

calls::Event renamed(calls::Event event, calls::LegNo leg) {
    std::visit(
        [leg](auto& known) {
            if constexpr (requires { known.leg; }) known.leg = leg;
        },
        event);
    return event;
}

}  // namespace

ParlayMakeCall::ParlayMakeCall(const TaskContext& context, MakeCall parameters, calls::Signalling& signalling,
                               calls::Bridge* bridge, calls::RecordWriter& records)
    : number_(context.number),
      others_(context.others),
      signalling_(signalling),
      parties_max_(parameters.parties_max),
      settle_(std::move(parameters.settle)),
      extend_(std::move(parameters.extend)),
      self_(std::make_shared<ParlayMakeCall*>(this)),
      record_(std::move(parameters.record)),
      records_(records),
      bridge_(bridge),
      ladder_(parameters.trace_max),
      live_(context.number, parameters.parties, numbered(std::move(parameters.options), context.number),
            std::move(parameters.appearance), signalling, bridge, context.executor, observer(context)) {
    record_.id = context.id;
}

calls::Observer ParlayMakeCall::observer(const TaskContext& context) {
    calls::Observer result;
    result.changed = [this] { records_.put(record_, live_.call().status()); };
    result.settled_paid = [this] { settle({true, calls::billed_seconds(live_.call().status())}); };
    result.settled_free = [this] { settle({}); };
    result.extend = [this] { extend(); };
    result.finished = context.ended;
    result.secure = [this](std::function<void()> safe) {
        records_.put(record_, live_.call().status(), std::move(safe));
    };
    return result;
}

void ParlayMakeCall::settle(Settlement how) {
    settle_(how, [&records = records_, id = record_.id, paid = how.paid,
                  task = std::weak_ptr<ParlayMakeCall*>(self_)](calls::Settled result) {
        records.settled(id);
        // Nobody talks who can't be charged for it any more.
        const auto self = task.lock();
        if (self && paid && result == calls::Settled::refused) (*self)->live_.deliver(calls::event::End{});
    });
}

void ParlayMakeCall::extend() {
    extend_([task = std::weak_ptr<ParlayMakeCall*>(self_)](std::chrono::seconds total) {
        const auto self = task.lock();
        if (self) (*self)->live_.deliver(calls::event::Granted{total});
    });
}

void ParlayMakeCall::start() { live_.deliver(calls::event::Start{}); }

void ParlayMakeCall::on_call(const calls::Event& event) {
    if (const auto moved = leg_of(event); moved && moved_.contains(*moved)) {
        // It was on its way when the leg got its new name.
        const auto to = moved_.at(*moved);
        others_.on_call(to.call, renamed(event, to.leg));
        return;
    }
    live_.deliver(event);
}

Outcome ParlayMakeCall::on(const TaskEvent& event) {
    const auto phase = live_.call().status().phase;
    if (phase == calls::Phase::terminated) return Outcome::already_terminated;
    if (event.name == "addCallPeer") return add(event.parameter);
    if (event.name == "admitsCallPeer") return admits(event.parameter);
    if (event.name == "delCallPeer") return remove(event.parameter);
    if (event.name == "transferCallPeer") return transfer(event.parameter);
    if (event.name == "callPeerMedia") {
        audio_ = audio_named(event.parameter);
        return Outcome::done;
    }
    if (event.name == "transferTarget") {
        target_ = event.parameter;
        return Outcome::done;
    }
    if (event.name == "callTaken") {
        live_.deliver(calls::event::Taken{});
        return Outcome::done;
    }
    if (event.name == "cancelCall") {
        if (phase == calls::Phase::connected) return Outcome::already_connected;
    } else if (event.name != "endCall") {
        return Outcome::unknown_event;
    }
    live_.deliver(calls::event::End{});
    return Outcome::done;
}

Outcome admits(const calls::Call& call, const std::string& address, const Room& room) {
    if (call.status().phase == calls::Phase::terminated) return Outcome::already_terminated;
    if (call.has(address)) return Outcome::present_peer;
    const auto parties = call.live();
    if (parties >= room.parties_max || call.next_leg() >= room.legs_max) return Outcome::too_many_peers;
    if (parties >= 2 && (room.bridge == nullptr || !room.bridge->available())) return Outcome::no_bridge;
    return Outcome::done;
}

Outcome ParlayMakeCall::add(const std::string& address) {
    const auto audio = std::exchange(audio_, std::nullopt);
    const auto outcome = admits(address);
    if (outcome == Outcome::done) live_.deliver(calls::event::Add{address, audio});
    return outcome;
}

Outcome ParlayMakeCall::transfer(const std::string& address) {
    auto* target = dynamic_cast<ParlayMakeCall*>(others_.find(target_));
    if (target == nullptr) return Outcome::unknown_target;
    if (!live_.call().has(address)) return Outcome::unknown_peer;
    if (const auto outcome = target->admits(address); outcome != Outcome::done) return outcome;
    const auto party = live_.movable(address);
    if (!party) {
        target->live_.deliver(calls::event::Add{address, live_.call().audio(address)});
        return remove(address);
    }
    const calls::LegId to{target->number_, target->live_.call().next_leg()};
    moved_[party->leg] = to;
    signalling_.rename({number_, party->leg}, to);
    live_.deliver(calls::event::Moved{party->leg});
    target->live_.deliver(calls::event::Arrived{*party});
    return Outcome::done;
}

Outcome ParlayMakeCall::remove(const std::string& address) {
    if (!live_.call().has(address)) return Outcome::unknown_peer;
    live_.deliver(calls::event::Remove{address});
    return Outcome::done;
}

std::vector<std::string> ParlayMakeCall::parties() const {
    std::vector<std::string> addresses;
    for (const auto& party : live_.call().status().parties) {
        if (party.phase != calls::Phase::terminated) addresses.push_back(party.address);
    }
    return addresses;
}

Dictionary dictionary_of(const calls::CallStatus& call,
                         const std::function<std::vector<calls::sdp::Medium>(calls::LegNo)>& media) {
    Dictionary result;
    auto& entries = result.entries;
    entries["callStatus"] = "Call" + std::string(phase_name(call.phase));
    entries["createdTime"] = call.created.wall;
    if (call.started) entries["startTime"] = call.started->wall;
    if (call.ended) entries["duration"] = calls::seconds_between(call.started, call.ended);
    if (call.cause) entries["terminationCause"] = version2_cause(*call.cause, call.culprit);
    std::vector<Dictionary> parties;
    for (calls::LegNo leg = 0; leg < call.parties.size(); ++leg) {
        const auto& party = call.parties[leg];
        // Somebody who was added again is listed once, as now; who has several telephones, by the one that is
        // still called, or has answered.
        const auto is_this = [&](const Dictionary& other) {
            return *other.find<std::string>("address") == party.address;
        };
        const auto listed = std::ranges::find_if(parties, is_this);
        const bool ended = party.phase == calls::Phase::terminated;
        if (ended && listed != parties.end() && !has_ended(*listed)) continue;
        std::erase_if(parties, is_this);
        parties.push_back(party_status(party));
        if (media) parties.back().entries["mediaInfo"] = media_status(media(leg));
    }
    entries["participants"] = std::move(parties);
    return result;
}

Dictionary ParlayMakeCall::status() const {
    const auto& call = live_.call();
    return dictionary_of(call.status(), [&call](calls::LegNo leg) { return call.media(leg); });
}

}  // namespace tasks
