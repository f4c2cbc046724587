// Rooms and participants. A leg may leave while Janus is asked for it: each question checks afterwards that
// the leg still is who it was.
#include "telephony/media/audio_bridge.hpp"

#include "base/ids.hpp"
#include "telephony/media/description.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <map>
#include <string_view>
#include <utility>

namespace media {
namespace asio = boost::asio;
namespace json = boost::json;

using calls::CallNo;
using calls::LegId;

namespace {

/// Telephone quality: Janus mixes at the rate of G.711, which needs no resampling then.
constexpr int sampling_rate = 8'000;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);

/// Ours to choose, so that a room can be destroyed also where its making was never answered. A double of JSON
/// holds it.
std::uint64_t random_room() {
    const auto random = base::random_id();
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < 6; ++i) id = id << 8 | random[i];
    return id + 1;
}

struct Room {
    explicit Room(const asio::any_io_executor& executor)
        : answered(executor, asio::steady_timer::time_point::max()) {}
    std::uint64_t id = random_room();
    std::string secret = base::random_hex_id();  ///< to change it
    std::string pin = base::random_hex_id();     ///< to get in: others may use this Janus
    calls::Tone plays = calls::Tone::none;
    enum class State : std::uint8_t { unasked, asked, made, failed } state = State::unasked;
    asio::steady_timer answered;  ///< cancelled when Janus has answered, or is lost
};

struct Participant {
    std::uint64_t which = 0;  ///< a leg that left and joined again is another one
    Offer offer;
    bool muted = false;
    std::shared_ptr<Room> room;
    std::optional<Handle> handle;
};

/// Where Janus wants a participant's media.
struct Address {
    std::string ip;
    std::uint16_t port = 0;
};

std::optional<Address> address_of(const std::optional<json::object>& answer) {
    const auto* rtp = answer ? answer->if_contains("rtp") : nullptr;
    if (rtp == nullptr || !rtp->is_object()) return std::nullopt;
    const auto* ip = rtp->get_object().if_contains("ip");
    const auto* port = rtp->get_object().if_contains("port");
    if (ip == nullptr || !ip->is_string() || port == nullptr) return std::nullopt;
    json::error_code error;
    const auto number = port->to_number<std::uint16_t>(error);
    if (error || number == 0) return std::nullopt;
    return Address{std::string(ip->get_string()), number};
}

bool is_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

/// AudioBridge's own words on what it refused. Where it has no port for a party it says nothing of it.
std::string reason_of(const std::optional<json::object>& answer) {
    if (!answer) return "no answer";
    const auto* reason = answer->if_contains("error");
    return reason != nullptr && reason->is_string() ? std::string(reason->get_string()) : "no free RTP port";
}

}  // namespace

struct AudioBridge::State : std::enable_shared_from_this<State> {
    AudioBridgeOptions options;
    asio::any_io_executor executor;
    calls::EventSink sink;
    base::Logger log;
    std::optional<Janus> janus;
    std::map<CallNo, std::shared_ptr<Room>> rooms;
    std::map<LegId, Participant> participants;
    /// That Janus has, or may have, for nobody: it mixes silence in each until it has heard to destroy it.
    std::map<std::uint64_t, std::shared_ptr<Room>> unwanted;
    std::atomic<std::size_t> count = 0;
    std::atomic<std::size_t> rooms_asked = 0;
    std::uint64_t last = 0;
    bool closing = false;

    State(AudioBridgeOptions given, asio::any_io_executor on, calls::EventSink to, base::Logger logger)
        : options(std::move(given)), executor(std::move(on)), sink(std::move(to)), log(std::move(logger)) {}

    asio::awaitable<void> admit(LegId leg, std::uint64_t which);
    asio::awaitable<std::optional<Address>> enter(LegId leg, std::uint64_t which);
    asio::awaitable<bool> make_room(CallNo call, std::shared_ptr<Room> room);
    Participant* find(LegId leg, std::uint64_t which);
    void add(LegId leg, Offer offer, bool muted);
    void remove(LegId leg);
    void refuse(LegId leg, bool unfit);
    void destroy(const std::shared_ptr<Room>& room);
    asio::awaitable<void> end(std::shared_ptr<Room> room);
    [[nodiscard]] const std::string& file_of(calls::Tone tone) const;
    asio::awaitable<void> play(std::shared_ptr<Room> room, calls::Tone tone);
    std::map<LegId, Participant> forget();
    void lost();
    void found();
    void happened(const json::object& event);
};

Participant* AudioBridge::State::find(LegId leg, std::uint64_t which) {
    const auto found = participants.find(leg);
    return found == participants.end() || found->second.which != which ? nullptr : &found->second;
}

void AudioBridge::State::refuse(LegId leg, bool unfit) {
    sink(leg.call, calls::event::Unbridged{leg.leg, unfit});
}

void AudioBridge::State::destroy(const std::shared_ptr<Room>& room) {
    unwanted[room->id] = room;
    asio::co_spawn(executor, end(room), asio::detached);
}

/// What Janus answers does not matter: it has heard of it. Where the session is lost first, the next one does
/// this.
asio::awaitable<void> AudioBridge::State::end(std::shared_ptr<Room> room) {
    const auto self = shared_from_this();
    json::object body{{"request", "destroy"}, {"room", room->id}, {"secret", room->secret}};
    const auto answer = co_await janus->message(std::nullopt, std::move(body));
    if (answer) unwanted.erase(room->id);
    if (closing && (!answer || unwanted.empty())) janus->close();
}

/// The room's first participant makes it; others wait for that.
asio::awaitable<bool> AudioBridge::State::make_room(CallNo call, std::shared_ptr<Room> room) {
    if (room->state == Room::State::asked) co_await room->answered.async_wait(awaited);
    if (room->state != Room::State::unasked) co_return room->state == Room::State::made;
    room->state = Room::State::asked;
    ++rooms_asked;
    json::object body{{"request", "create"},
                      {"room", room->id},
                      {"permanent", false},
                      {"description", "ledgerline"},
                      {"is_private", true},
                      {"secret", room->secret},
                      {"pin", room->pin},
                      {"sampling_rate", sampling_rate},
                      {"allow_rtp_participants", true},
                      {"audiolevel_ext", false}};
    const auto answer = co_await janus->message(std::nullopt, std::move(body));
    const bool made = answer && answer->if_contains("room") != nullptr;
    if (!made) log.warning("the bridge makes no room", {{"reason", reason_of(answer)}});
    room->state = made ? Room::State::made : Room::State::failed;
    room->answered.cancel();
    const auto current = rooms.find(call);
    const bool wanted = current != rooms.end() && current->second == room;
    if (!wanted) {
        destroy(room);
        co_return false;
    }
    if (!made) rooms.erase(current);
    co_return made;
}

/// The way into the room; where Janus wants the participant's media.
asio::awaitable<std::optional<Address>> AudioBridge::State::enter(LegId leg, std::uint64_t which) {
    const auto room = find(leg, which)->room;
    if (!co_await make_room(leg.call, room) || find(leg, which) == nullptr) co_return std::nullopt;
    const auto handle = co_await janus->attach();
    auto* participant = find(leg, which);
    if (participant == nullptr || !handle) {
        if (handle) janus->detach(*handle);
        co_return std::nullopt;
    }
    participant->handle = handle;
    const auto& offer = participant->offer;
    json::object rtp{{"ip", offer.address}, {"port", offer.port}, {"payload_type", offer.payload_type}};
    json::object body{{"request", "join"},          {"room", room->id},
                      {"pin", room->pin},           {"display", std::to_string(leg.leg)},
                      {"codec", offer.codec},       {"rtp", std::move(rtp)},
                      {"muted", participant->muted}};
    const auto answer = co_await janus->message(handle, std::move(body));
    auto address = address_of(answer);
    if (!address && find(leg, which) != nullptr)
        log.warning("the bridge does not take a party", {{"reason", reason_of(answer)}});
    co_return address;
}

asio::awaitable<void> AudioBridge::State::admit(LegId leg, std::uint64_t which) {
    const auto self = shared_from_this();
    if (find(leg, which) == nullptr) co_return;
    const auto address = co_await enter(leg, which);
    const auto* participant = find(leg, which);
    if (participant == nullptr) co_return;
    // Debian's Janus takes IPv6 addresses, sends nothing there and hears nothing.
    const bool elsewhere = address && is_v6(address->ip) != is_v6(participant->offer.address);
    if (elsewhere) log.warning("the bridge does not take a party", {{"reason", "IPv6 and IPv4 addresses"}});
    if (!address || elsewhere) {
        remove(leg);
        refuse(leg, elsewhere);
        co_return;
    }
    const auto& ip = options.address.empty() ? address->ip : options.address;
    sink(leg.call, calls::event::Joined{leg.leg, answer_to(participant->offer, ip, address->port)});
}

void AudioBridge::State::add(LegId leg, Offer offer, bool muted) {
    auto& room = rooms[leg.call];
    if (!room) room = std::make_shared<Room>(executor);
    participants[leg] = {++last, std::move(offer), muted, room, std::nullopt};
    count = participants.size();
    asio::co_spawn(executor, admit(leg, last), asio::detached);
}

void AudioBridge::State::remove(LegId leg) {
    auto entry = participants.extract(leg);
    if (entry.empty()) return;
    count = participants.size();
    const auto& gone = entry.mapped();
    const auto next = participants.lower_bound({leg.call, 0});
    const bool last_one = next == participants.end() || next->first.call != leg.call;
    if (last_one) rooms.erase(leg.call);
    if (gone.handle) janus->detach(*gone.handle);
    // One that is being made is destroyed when that is known.
    if (last_one && gone.room->state == Room::State::made) destroy(gone.room);
}

/// Everybody at once; whoever waits for a room goes on.
std::map<LegId, Participant> AudioBridge::State::forget() {
    for (const auto& [call, room] : std::exchange(rooms, {})) {
        unwanted[room->id] = room;
        room->state = Room::State::failed;
        room->answered.cancel();
    }
    count = 0;
    return std::exchange(participants, {});
}

void AudioBridge::State::lost() {
    for (const auto& [leg, participant] : forget()) refuse(leg, false);
}

void AudioBridge::State::found() {
    for (const auto& [id, room] : unwanted) asio::co_spawn(executor, end(room), asio::detached);
}

/// A participant or a whole room is gone without our doing.
void AudioBridge::State::happened(const json::object& event) {
    const auto* sender = event.if_contains("sender");
    json::error_code error;
    const auto handle = sender != nullptr ? sender->to_number<Handle>(error) : 0;
    const auto* kind = event.if_contains("janus");
    if (error || handle == 0 || kind == nullptr || *kind != "detached") return;
    for (const auto& [leg, participant] : participants) {
        if (participant.handle != handle) continue;
        const auto gone = leg;
        remove(gone);
        refuse(gone, false);
        return;
    }
}

AudioBridge::AudioBridge(AudioBridgeOptions options, asio::any_io_executor executor, calls::EventSink sink,
                         base::Logger log)
    : state_(std::make_shared<State>(std::move(options), executor, std::move(sink), log)) {
    auto* state = state_.get();
    Janus::Callbacks callbacks;
    callbacks.lost = [state] { state->lost(); };
    callbacks.found = [state] { state->found(); };
    callbacks.event = [state](const json::object& event) { state->happened(event); };
    state_->janus.emplace(state_->options.janus, std::move(executor), std::move(callbacks), std::move(log));
}

AudioBridge::~AudioBridge() {
    state_->forget();
    state_->janus->close();
}

void AudioBridge::start() { state_->janus->start(); }

void AudioBridge::close() {
    state_->forget();
    state_->closing = true;
    state_->found();
    if (state_->unwanted.empty() || !available()) state_->janus->close();
}

bool AudioBridge::available() const { return state_->janus->up(); }

void AudioBridge::join(LegId leg, std::string text, bool muted) {
    leave(leg);
    auto offer = read_offer(text);
    if (!offer || !available()) {
        state_->refuse(leg, !offer);
        return;
    }
    // Janus sends nothing to an address from which nothing has come yet.
    if (muted && offer->direction == "recvonly") offer->direction = "sendrecv";
    state_->add(leg, std::move(*offer), muted);
}

void AudioBridge::leave(LegId leg) { state_->remove(leg); }

const std::string& AudioBridge::State::file_of(calls::Tone tone) const {
    return tone == calls::Tone::ringing ? options.ringing : options.funds_end;
}

/// Janus plays it to the whole room, again and again.
asio::awaitable<void> AudioBridge::State::play(std::shared_ptr<Room> room, calls::Tone tone) {
    const auto self = shared_from_this();
    json::object body{
        {"request", "stop_file"}, {"room", room->id}, {"secret", room->secret}, {"file_id", "tone"}};
    if (std::exchange(room->plays, tone) != calls::Tone::none) janus->tell(body);
    if (tone == calls::Tone::none) co_return;
    body["request"] = "play_file";
    body["filename"] = file_of(tone);
    body["loop"] = true;
    const auto answer = co_await janus->message(std::nullopt, std::move(body));
    if (answer && answer->if_contains("error") != nullptr)
        log.warning("the bridge does not play a tone",
                    {{"file", file_of(tone)}, {"reason", reason_of(answer)}});
}

void AudioBridge::play(calls::CallNo call, calls::Tone tone) {
    const auto room = state_->rooms.find(call);
    if (room == state_->rooms.end() || room->second->state != Room::State::made) return;
    const bool silent = tone == calls::Tone::none || state_->file_of(tone).empty();
    asio::co_spawn(state_->executor, state_->play(room->second, silent ? calls::Tone::none : tone),
                   asio::detached);
}

bool AudioBridge::hangs() const { return state_->janus->hangs(); }

std::size_t AudioBridge::participants() const { return state_->count; }

std::size_t AudioBridge::rooms() const { return state_->rooms_asked; }

}  // namespace media
