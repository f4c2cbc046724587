// What comes from outside every dialog: calls to somebody, and registrations. telephony/sip reports it.
#pragma once

#include "telephony/calls/signalling.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace calls {

/// Calls that come from outside are numbered from here on, by the network.
inline constexpr CallNo first_incoming_call = CallNo{1} << 62;

/// What a request says about who sent it. Only `source` is not the sender's to choose.
struct Sender {
    std::string source;  ///< IP address that it came from
    std::string from;    ///< URI
    std::string from_name;
    std::string asserted;       ///< P-Asserted-Identity (RFC 3325): a URI; empty: there is none
    std::string authorization;  ///< the header's value; empty: there is none
    bool anonymous = false;  ///< asks not to be known to whom it calls (RFC 3323: user, header; RFC 3325: id)
};

/// An INVITE outside every dialog. 100 is sent; leg 0 of the call is the caller's.
struct IncomingCall {
    CallNo call = 0;
    Ticket ticket = 0;
    Sender sender;
    std::string target;     ///< Request-URI
    std::string to;         ///< URI of To
    std::string route;      ///< user part of the topmost Route; empty: there is none
    std::string sdp;        ///< empty: an offer is asked for
    int max_forwards = 70;  ///< left
    std::string dialog;     ///< what Signalling::hang_up_lost needs
};

/// A REGISTER (RFC 3261, 10).
struct IncomingRegister {
    struct Contact {
        std::string uri;
        int q = 1000;  ///< in thousandths
        std::optional<std::chrono::seconds> expires;
    };
    Ticket ticket = 0;
    Sender sender;
    std::string address;  ///< URI of To: whose contacts they are
    std::string call_id;
    std::uint32_t cseq = 0;
    bool every_contact = false;  ///< `Contact: *`
    std::vector<Contact> contacts;
    std::optional<std::chrono::seconds> expires;
    std::string path;             ///< as it stands (RFC 3327); empty: there is none
    bool path_supported = false;  ///< the client says so
    std::uint64_t flow = 0;       ///< the connection that it came on; 0: none
};

class Reception {
  public:
    virtual ~Reception() = default;
    /// Both return at once and may be called on any thread. A call is answered with Signalling's answer() or
    /// refuse(), a registration with Registrations::respond().
    virtual void called(IncomingCall call) = 0;
    virtual void registering(IncomingRegister request) = 0;
};

/// The way back for registrations. Both return at once, may be called on any thread, and keep their order.
class Registrations {
  public:
    virtual ~Registrations() = default;
    virtual void respond(Ticket ticket, Response response) = 0;
    /// A telephone was on these connections and is on another one now: its calls go there, too.
    virtual void move(std::vector<std::uint64_t> left, std::uint64_t flow) = 0;
};

}  // namespace calls
