// The SIP user agent: dialogs that we and that others make, over UDP and TCP, in a thread of its own.
#pragma once

#include "base/log.hpp"
#include "telephony/calls/reception.hpp"
#include "telephony/calls/signalling.hpp"
#include "telephony/sip/credentials.hpp"
#include "telephony/sip/streams.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sip {

struct AgentOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 5060;     ///< of UDP and TCP
    std::string advertise;         ///< host[:port] that peers shall use; empty: what was bound
    std::string gateway;           ///< sip: URI's host[:port] for tel: URIs; empty: they are not reachable
    std::string proxy;             ///< host[:port] that every request goes to; empty: its own destination
    Credentials credentials{};     ///< for the gateway and the proxy
    bool assert_identity = false;  ///< they are trusted with P-Asserted-Identity (RFC 3325)
    std::chrono::seconds session_expires{0};  ///< what is asked for (RFC 4028); 0: nothing
    std::chrono::seconds session_least{90};   ///< the shortest that peers may ask for
    std::chrono::milliseconds liveness{
        0};  ///< peers without session timers are asked for a sign of life; 0: never
    /// So far behind, calls from outside get 503. Less than T1 (500 ms), after which peers repeat what is not
    /// answered.
    std::chrono::milliseconds lag_limit{200};
    StreamLimits streams{};
    std::size_t requests_max = 50'000;  ///< that are remembered; then what is in no dialog is dropped
    std::chrono::milliseconds t1{500};  ///< RFC 3261, 17.1.1.1: what makes up all of its timers
};

class Agent final : public calls::Signalling, public calls::Registrations {
  public:
    /// Binds and starts its thread. std::runtime_error when the address can't be had, or messages would have
    /// no limits.
    /// A null `trace`: nobody looks at messages.
    Agent(AgentOptions options, calls::EventSink sink, calls::SignalSink trace, base::Logger log);
    ~Agent() override;

    /// From now on calls and registrations are reported there; before, and with null, they get 503.
    void receive(calls::Reception* reception);

    /// Ends the thread: nothing is reported any more, and commands do nothing. What legs are left is dropped.
    void close();

    void invite(calls::LegId leg, calls::Invitation invitation) override;
    void reinvite(calls::LegId leg, std::string sdp) override;
    void withdraw(calls::LegId leg) override;
    void ack(calls::LegId leg, std::string sdp) override;
    void relay(calls::LegId leg, calls::Ticket ticket, calls::Method method, calls::Body body) override;
    void answer(calls::LegId leg, calls::Ticket ticket, int status, calls::Body body) override;
    void end(calls::LegId leg, calls::Cause why) override;
    void rename(calls::LegId from, calls::LegId to) override;
    void refuse(calls::LegId leg, calls::Response response) override;
    void hang_up_lost(std::string dialog) override;
    void respond(calls::Ticket ticket, calls::Response response) override;
    void move(std::vector<std::uint64_t> left, std::uint64_t flow) override;

    /// For how long the next thing to do has waited: how far this thread is behind. From any thread.
    [[nodiscard]] std::chrono::milliseconds lag() const;

    /// Dialogs that are not over, for metrics and tests.
    [[nodiscard]] std::size_t legs() const;
    /// Blocks until no dialog is left; false when the deadline comes first.
    bool wait_until_over(std::chrono::steady_clock::time_point deadline) const;

    struct Engine;  ///< what runs in the thread

  private:
    std::unique_ptr<Engine> engine_;
};

}  // namespace sip
