// The SIP thread itself: its event loop, its queue, and the end of what it holds.
#include "telephony/sip/engine.hpp"

#include "telephony/sip/message.hpp"
#include "telephony/sip/message_limits.hpp"

#include <poll.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace sip {
namespace {

/// A request outside every dialog. Its leg's magic is the engine, which has no dialog to give.
int on_stranger(Dialog* engine, nta_leg_t* /*leg*/, nta_incoming_t* request, const sip_t* message) {
    auto& self = *reinterpret_cast<Agent::Engine*>(engine);
    try {
        return self.stranger(request, message);
    } catch (const std::exception& error) {
        self.log.error("a SIP request failed", {{"error", error.what()}});
        return 500;
    }
}

constexpr std::uint16_t sip_port_default = 5060;

/// Messages that may go before a command that waits: so many that one for each of our own is no more than
/// half of them, and so few that a flood keeps no command for long.
constexpr int messages_before_command = 4;

unsigned as_ms(std::chrono::milliseconds time) { return static_cast<unsigned>(time.count()); }

/// As much as the kernel gives of it: what comes while the thread is busy waits there.
constexpr unsigned udp_buffer_bytes = 4U << 20;

/// Whether the agent listens by UDP and by TCP: sofia-sip is content with one of them, when somebody has the
/// port of the other, and would be deaf to most.
bool listens_by_both(nta_agent_t* agent) {
    bool udp = false;
    bool tcp = false;
    for (auto* at = ::tport_primaries(::nta_agent_tports(agent)); at != nullptr; at = ::tport_next(at)) {
        const std::string_view protocol = ::tport_name(at)->tpn_proto;
        udp = udp || protocol == "udp";
        tcp = tcp || protocol == "tcp";
    }
    return udp && tcp;
}

/// Connections, and who rings on them, are looked at so often, and a few times until one was silent for too
/// long.
constexpr std::chrono::milliseconds look_pause_max{5'000};
constexpr int looks_in_silence = 4;

void on_look(su_root_magic_t* root, su_timer_t* /*timer*/, su_timer_arg_t* /*argument*/) {
    auto& self = *reinterpret_cast<Agent::Engine*>(root);
    self.look_at_streams();
    self.look_at_ringing();
}

int on_somebody_waits(Root* root, su_wait_t* /*wait*/, su_wakeup_arg_t* /*argument*/) {
    reinterpret_cast<Agent::Engine*>(root)->somebody_waits();
    return 0;
}

int on_wake(Root* root, su_wait_t* /*wait*/, su_wakeup_arg_t* /*argument*/) {
    reinterpret_cast<Agent::Engine*>(root)->drain();
    return 0;
}

}  // namespace

void Agent::Engine::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex);
        queue.push_back({std::move(work), Clock::now()});
        // Whoever made it more than nothing has said so, and drain leaves it said.
        if (queue.size() > 1) return;
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake, &one, sizeof one);
}

std::chrono::milliseconds Agent::Engine::lag() const {
    const std::lock_guard lock(mutex);
    if (queue.empty()) return std::chrono::milliseconds(0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - queue.front().since);
}

/// What waits at the socket goes first, and what is too much waits in the queue, where lag() sees it: then
/// new calls are refused. Nobody sees how old a message in the socket is, and late ones come again.
bool Agent::Engine::gives_way() {
    pollfd waiting{datagrams, POLLIN, 0};
    const bool may = gave_way != messages_before_command;
    const bool gives = may && ::poll(&waiting, 1, 0) == 1;
    gave_way = gives ? gave_way + 1 : 0;
    return gives;
}

/// One command, and then the sockets have their turn, which give one message. Were commands done all at once,
/// what waits at the sockets would be late and lost, and come again as more work.
void Agent::Engine::drain() {
    for (const auto& id : gone) dialogs.erase(id);
    gone.clear();
    if (gives_way()) return;
    std::function<void()> work;
    {
        const std::lock_guard lock(mutex);
        if (!queue.empty()) {
            work = std::move(queue.front().run);
            queue.pop_front();
        }
        // While there is more, the sign stays where it is.
        if (queue.empty()) {
            std::uint64_t number = 0;
            [[maybe_unused]] const auto got = ::read(wake, &number, sizeof number);
        }
    }
    if (!work) return;
    try {
        work();
    } catch (const std::exception& error) {
        log.error("SIP work failed", {{"error", error.what()}});
    }
}

void Agent::Engine::make_common_headers() {
    const auto* url = ::nta_agent_contact(agent)->m_url;
    const auto port = url->url_port != nullptr ? ':' + std::string(url->url_port) : std::string();
    const auto address = options.advertise.empty() ? url->url_host + port : options.advertise;
    common.home = static_cast<su_home_t*>(::su_home_new(sizeof(su_home_t)));
    common.contact = ::sip_contact_make(common.home, ("<sip:" + address + '>').c_str());
    common.allow = ::sip_allow_make(common.home, allowed_methods);
    common.sdp = ::sip_content_type_make(common.home, sdp_type);
    common.timer = ::sip_supported_make(common.home, "timer");
}

void Agent::Engine::set_t1(std::chrono::milliseconds t1) const {
    ::nta_agent_set_params(agent, NTATAG_SIP_T1(as_ms(t1)), TAG_END());
}

void Agent::Engine::make_streams() {
    const auto* port = ::nta_agent_contact(agent)->m_url->url_port;
    streams.emplace(options.streams,
                    port != nullptr ? static_cast<std::uint16_t>(std::stoi(port)) : sip_port_default);
    datagrams = streams->datagrams();
    // Before the stack's own descriptor of the same socket, as the kernel has the last one first.
    su_wait_t wait{};
    ::su_wait_create(&wait, streams->listener(), SU_WAIT_ACCEPT);
    ::su_root_register(root, &wait, reinterpret_cast<su_wakeup_f>(on_somebody_waits), nullptr, 0);
}

void Agent::Engine::somebody_waits() noexcept {
    try {
        streams->somebody_waits();
    } catch (const std::exception& error) {
        log.error("connections can't be counted", {{"error", error.what()}});
    }
}

void Agent::Engine::look_at_streams() noexcept {
    if (const auto dropped = strangers->take_dropped(); dropped > 0)
        log.warning("SIP requests were dropped: too many are remembered", {{"number", dropped}});
    try {
        streams->look();
        if (const auto refused = streams->take_refused(); refused > 0)
            log.warning("SIP connections were refused: there are enough", {{"number", refused}});
    } catch (const std::exception& error) {
        log.error("connections can't be looked at", {{"error", error.what()}});
    }
}

void Agent::Engine::run() {
    ::su_init();
    ::su_log_set_level(nullptr, 0);
    root = ::su_root_create(reinterpret_cast<Root*>(this));
    su_wait_t wait{};
    ::su_wait_create(&wait, wake, SU_WAIT_IN);
    ::su_root_register(root, &wait, reinterpret_cast<su_wakeup_f>(on_wake), nullptr, 0);
    const bool v6 = options.address.find(':') != std::string::npos;
    const auto host = v6 ? '[' + options.address + ']' : options.address;
    const auto bound = "sip:" + host + ':' + (options.port == 0 ? "*" : std::to_string(options.port));
    const auto proxy = "sip:" + options.proxy + ";lr";
    // The idle time is also that of connections of ours to others.
    agent = ::nta_agent_create(
        root, URL_STRING_MAKE(bound.c_str()), on_stray, reinterpret_cast<nta_agent_magic_t*>(this),
        NTATAG_UA(1), NTATAG_SERVER_RPORT(2), NTATAG_CLIENT_RPORT(1), NTATAG_UDP_MTU(8000),
        TPTAG_PONG2PING(1), TPTAG_UDP_RMEM(udp_buffer_bytes), TPTAG_IDLE(as_ms(options.streams.idle)),
        NTATAG_MAXSIZE(message_bytes_max), NTATAG_SIP_T1X64(as_ms(64 * options.t1)),
        NTATAG_SIP_T2(as_ms(8 * options.t1)), NTATAG_SIP_T4(as_ms(10 * options.t1)),
        TAG_IF(!options.proxy.empty(), NTATAG_DEFAULT_PROXY(proxy.c_str())), TAG_END());
    if (agent != nullptr && !listens_by_both(agent)) {
        ::nta_agent_destroy(agent);
        agent = nullptr;
    }
    if (agent != nullptr) {
        ::nta_leg_tcreate(agent, on_stranger, reinterpret_cast<Dialog*>(this), NTATAG_NO_DIALOG(1),
                          TAG_END());
        set_t1(options.t1);
        make_common_headers();
        make_streams();
        strangers.emplace(agent, options.requests_max);
        const auto pause = std::min(look_pause_max, options.streams.idle / looks_in_silence);
        auto* looking = ::su_timer_create(::su_root_task(root), static_cast<su_duration_t>(pause.count()));
        ::su_timer_set_for_ever(looking, on_look, nullptr);
        started.set_value(true);
        ::su_root_run(root);
        ::su_timer_destroy(looking);
        for (auto& [id, dialog] : dialogs) release(*dialog);
        dialogs.clear();
        for (const auto& [ticket, request] : registering) ::nta_incoming_destroy(request);
        registering.clear();
        flows.clear();
        ::su_home_unref(common.home);
        strangers.reset();
        ::nta_agent_destroy(agent);
    } else {
        started.set_value(false);
    }
    ::su_root_destroy(root);
    streams.reset();
    ::su_deinit();
}

void Agent::Engine::release(Dialog& dialog) {
    for (const auto& [ticket, request] : dialog.asked) {
        surely(request, [&] { ::nta_incoming_treply(request, SIP_481_NO_TRANSACTION, TAG_END()); });
        ::nta_incoming_destroy(request);
    }
    dialog.asked.clear();
    for (const auto& [request, ticket] : dialog.relayed) ::nta_outgoing_destroy(request);
    dialog.relayed.clear();
    if (dialog.life.probe != nullptr) ::nta_outgoing_destroy(std::exchange(dialog.life.probe, nullptr));
    // A BYE that crosses the peer's goes on being sent, and tells nobody.
    if (dialog.end.farewell != nullptr) ::nta_outgoing_destroy(std::exchange(dialog.end.farewell, nullptr));
    if (dialog.invite.request != nullptr)
        ::nta_outgoing_destroy(std::exchange(dialog.invite.request, nullptr));
    if (dialog.leg != nullptr) ::nta_leg_destroy(std::exchange(dialog.leg, nullptr));
    if (dialog.life.timer != nullptr) ::su_timer_destroy(std::exchange(dialog.life.timer, nullptr));
    if (dialog.end.limit != nullptr) ::su_timer_destroy(std::exchange(dialog.end.limit, nullptr));
}

}  // namespace sip
