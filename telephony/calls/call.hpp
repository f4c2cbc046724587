// What a call is: a pure state machine. Events come in, commands go out; no sockets, no clocks, no SQL.
//
// Two parties exchange media directly (RFC 3725, flow III): the first is called without a description, its
// offer is answered with silence; the second is called without one too, its offer goes to the first in a
// re-INVITE, and the first one's answer to the second in the ACK. From the third party on, everybody is on
// the bridge: each one's offer is answered by the bridge. So is one who waits alone for others. Where the
// bridge fails, two parties go back to direct media, and of more those end that it does not take.
//
// After every event, progress() looks at the states of the legs and takes the next step, so that no order of
// events leaves a leg behind.
#pragma once

#include "telephony/calls/causes.hpp"
#include "telephony/calls/event.hpp"
#include "telephony/calls/sdp.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calls {

enum class Phase : std::uint8_t { initial, connected, terminated };

/// One party, as status and records show it.
struct PartyStatus {
    std::string address;
    Phase phase = Phase::initial;  ///< connected: it has answered
    std::optional<Moment> started;
    std::optional<Moment> ended;
    std::optional<Cause> cause;  ///< once terminated
    /// Of its Answered; before that of every Ringing, as several telephones of a user may ring. None once it
    /// is terminated.
    std::vector<std::string> dialogs;
};

/// The whole call, as status and records show it.
struct CallStatus {
    Phase phase = Phase::initial;  ///< connected: two parties are
    Moment created;
    std::optional<Moment> started;  ///< when the second party was connected
    std::optional<Moment> ended;
    std::optional<Cause> cause;    ///< once terminated
    std::optional<LegNo> culprit;  ///< whose end ended the call; nothing: ours
    std::vector<PartyStatus> parties;
};

/// Whole seconds from start to end, 0 when it never started.
[[nodiscard]] std::int64_t seconds_between(const std::optional<Moment>& start,
                                           const std::optional<Moment>& end);

/// What is charged by time: seconds begun, at least one. The call has started.
[[nodiscard]] std::int64_t billed_seconds(const CallStatus& status);

struct CallOptions {
    std::chrono::milliseconds no_answer{60'000};  ///< how long a party may ring
    std::chrono::milliseconds reinvite_timeout{
        20'000};                                   ///< below 32 s, after which a 2xx gives up on its ACK
    std::chrono::milliseconds glare_retry{2'100};  ///< RFC 3261, 14.1: 2.1 s to 4 s for who made the dialog
    int glare_retries = 4;
    /// The first pause after a re-INVITE for which the party was not ready; later ones are as long as after
    /// glare.
    std::chrono::milliseconds unready_retry{250};
    int unready_retries = 2;
    std::chrono::milliseconds max_duration{0};  ///< from the connection; 0: none
    bool held = false;  ///< an amount is held for this call: it ends in one Capture or one Release
    /// Of a call that is paid by time: how long it may last as yet. 0: it is paid when it is connected.
    std::chrono::milliseconds granted{0};
    std::chrono::milliseconds extend_ahead{10'000};  ///< before the end of `granted`, more is asked for
    /// And so long before it, parties that got no more hear that from the bridge; 0: nobody does.
    std::chrono::milliseconds funds_notice{0};
    bool fixed_media = false;                       ///< no party may add media (changeMediaNotAllowed)
    std::optional<sdp::AudioOnly> audio{};          ///< what its first parties may have, as of Add
    bool bridge = false;                            ///< there is one
    std::chrono::milliseconds bridge_retry{1'000};  ///< after it failed, it is asked again
    int bridge_retries = 15;                        ///< in a row, for one party
    bool ringback = false;      ///< who waits for another to answer hears it from the bridge
    std::string address;        ///< of this server, in descriptions that it makes
    std::uint64_t session = 0;  ///< in descriptions that it makes; differs between calls
};

/// Two parties that are connected already: the first, who called us, and one of those that we called.
struct Connection {
    CallStatus status;  ///< with every party that was called
    LegNo callee = 0;
    std::vector<bool> gone;  ///< by leg: no end of it is to come any more
    std::string caller_sdp;  ///< empty: the caller was sent the callee's offer, and answers in the ACK
    std::string callee_sdp;
    std::uint64_t caller_version = 0;  ///< of the last description that each was sent
    std::uint64_t callee_version = 0;
    Ticket ticket = 0;       ///< of the caller's INVITE
    TimerId last_timer = 0;  ///< timers up to this one are others'
};

class Call {
  public:
    /// One party: the call waits for more. Two: they are connected, and one's end ends the call.
    Call(const std::vector<std::string>& parties, CallOptions options, Moment now);

    /// Start connects them. The caller was sent its 2xx, and the callee its ACK where the caller had offered.
    Call(Connection connection, CallOptions options, Moment now);

    /// Any event is right in any state; what comes too late changes nothing.
    [[nodiscard]] Commands on(const Event& event, Moment now);

    [[nodiscard]] const CallStatus& status() const { return status_; }
    [[nodiscard]] bool finished() const { return finished_; }
    /// Parties that have not ended.
    [[nodiscard]] std::size_t live() const;
    /// Whether this address is a party that has not ended.
    [[nodiscard]] bool has(std::string_view address) const;
    /// What this party exchanges with the others now.
    [[nodiscard]] std::vector<sdp::Medium> media(LegNo leg) const;
    /// What the party with this address may have.
    [[nodiscard]] std::optional<sdp::AudioOnly> audio(std::string_view address) const;
    /// The number that the next party's leg gets.
    [[nodiscard]] LegNo next_leg() const { return legs_.size(); }
    /// The party with its dialog, if it could be taken along as it is now: nothing of it is under way.
    [[nodiscard]] std::optional<PartyDialog> movable(std::string_view address) const;

  private:
    enum class State : std::uint8_t {
        idle,      ///< to be called
        inviting,  ///< INVITE sent
        answered,  ///< its 2xx carries an offer and waits for our ACK
        joining,   ///< the same, and the bridge was asked
        parked,    ///< in silence
        parking,   ///< re-INVITE into silence sent
        offered,   ///< re-INVITE with the other one's offer sent
        moving,    ///< re-INVITE that asks for an offer sent
        glare,     ///< a re-INVITE met the peer's own, or came too early: sent again in a moment
        held,      ///< put itself on hold, and is out of the mix
        aside,     ///< parked, or cut off: the bridge failed and is asked again in a moment
        talking,
        leaving,  ///< End sent
        gone
    };

    struct Leg {
        State state = State::idle;
        State before = State::idle;           ///< of a re-INVITE: where a failed one goes back to
        std::optional<sdp::AudioOnly> audio;  ///< that it may have
        std::string described;                ///< its last description, as far as it may
        std::size_t lines = 0;                ///< m= lines of the dialog
        std::uint64_t session = 0;            ///< of our descriptions in this dialog
        std::uint64_t version = 0;
        TimerId timer = 0;  ///< that its present state waits for
        int retries = 0;
        bool rang = false;
        bool on_bridge = false;
        int bridge_tries = 0;  ///< that failed, in a row
        std::string bridge_sdp;
        Ticket changing = 0;       ///< of its offer that the bridge was given
        std::string offered;       ///< that offer
        bool asked_offer = false;  ///< the re-INVITE under way asks for an offer
        bool answers = false;      ///< the bridge's description, which it asked for, with its ACK
    };

    /// A re-INVITE or UPDATE of one party on its way to the other and back.
    struct Exchange {
        LegNo from = 0;
        LegNo to = 0;
        Ticket ticket = 0;
        Method method = Method::reinvite;
        std::size_t lines = 0;   ///< of the offer
        bool offerless = false;  ///< the answer comes with the ACK
        bool answered = false;   ///< of an offerless one: the offer is delivered, the ACK is awaited
        bool withdrawn = false;  ///< nobody waits for the other one's answer any more
        std::string before{};    ///< the asker's description, which holds where the other one refuses
    };

    void handle(const event::Start&);
    void handle(const event::Ringing&);
    void handle(const event::Answered&);
    void handle(const event::Refused&);
    void handle(const event::Rejected&);
    void handle(const event::Requested&);
    void handle(const event::Withdrawn&);
    void handle(const event::Acknowledged&);
    void handle(const event::Replied&);
    void handle(const event::HungUp&);
    void handle(const event::Lost&);
    void handle(const event::Gone&);
    void handle(const event::Joined&);
    void handle(const event::Unbridged&);
    void handle(const event::Timer&);
    void handle(const event::Granted&);
    void handle(const event::End&);
    void handle(const event::Taken&);
    void handle(const event::Add&);
    void handle(const event::Remove&);
    void handle(const event::Arrived&);
    void handle(const event::Moved&);

    void progress();
    void progress_direct();
    void progress_bridge();
    void progress_tone();
    [[nodiscard]] bool hears_funds_end() const;
    [[nodiscard]] bool hears_ringing(const std::vector<LegNo>& parties) const;
    void join(LegNo leg, std::string offer);
    void settle();
    void secure();
    void await_grant();

    void invite(LegNo leg);
    void reinvite(LegNo leg, State state, std::string sdp);
    void park(LegNo leg);
    void offer_to(LegNo leg, LegNo offerer);
    void join_pair(LegNo leg, const std::string& answer);
    void talk(LegNo leg);
    void relay_offer(const event::Requested& request, LegNo partner);
    void answer_alone(const event::Requested& request);
    void answer_mixed(const event::Requested& request);
    [[nodiscard]] bool holds(LegNo leg, std::string_view sdp) const;
    void take_answer(LegNo leg, const std::string& sdp);
    void stay_mixed(LegNo leg);
    void finish_exchange(LegNo leg, const std::string& sdp);
    void finish_update(const event::Replied& event, int status);
    void refuse_exchange(int status);
    void withdraw_exchange();
    void undo_exchange(LegNo leg, const std::string& sdp);
    bool out_of_patience(LegNo leg);
    void abandon_exchange(LegNo leg);

    void leave_bridge(LegNo leg);
    void give_up_bridge(LegNo leg);

    [[nodiscard]] static Cause ended(bool connected);
    void give_up(LegNo leg, Ending why);
    void leave(LegNo leg, Cause cause);
    void left(LegNo leg, Cause cause);
    void after_party(LegNo leg, Cause cause);
    void end_call(Cause cause, std::optional<LegNo> culprit);
    void close_party(LegNo leg, Cause cause);
    LegNo add_party(const std::string& address, std::optional<sdp::AudioOnly> audio);

    [[nodiscard]] bool known(LegNo leg) const { return leg < legs_.size(); }
    [[nodiscard]] bool live(LegNo leg) const;
    [[nodiscard]] std::vector<LegNo> live_legs() const;
    [[nodiscard]] std::optional<LegNo> partner_of(LegNo leg) const;
    [[nodiscard]] std::string ours(LegNo leg, std::string_view sdp);
    [[nodiscard]] std::string mixed(LegNo leg, std::string_view sdp);
    [[nodiscard]] std::string theirs(LegNo leg, std::string sdp) const;
    [[nodiscard]] std::string silence(LegNo leg, std::string_view sdp);
    [[nodiscard]] TimerId set_timer(std::chrono::milliseconds after);
    /// Before a re-INVITE that got this status is sent again (RFC 3261, 14.1 and 14.2); nothing: it is not.
    [[nodiscard]] std::optional<std::chrono::milliseconds> pause_before_retry(int status, int retries) const;
    void answer(LegNo leg, Ticket ticket, int status, std::string sdp = {});

    CallOptions options_;
    CallStatus status_;
    std::vector<Leg> legs_;  // beside status_.parties
    std::optional<Exchange> exchange_;
    std::map<Ticket, LegNo> relays_;  // INFO: who asked
    std::optional<LegNo> callee_;     // of a Connection, until Start
    bool waits_ = false;              // a party left over stays
    bool bridged_ = false;
    bool bridge_failed_ = false;  // two parties and fewer do without it
    Tone tone_ = Tone::none;      // that is played
    bool funds_end_ = false;      // soon, and no more was granted
    bool ending_ = false;
    bool secured_ = false;  // Secure was given
    bool settled_ = false;  // Capture or Release was given
    bool finished_ = false;
    bool changed_ = false;
    TimerId last_timer_ = 0;
    TimerId duration_timer_ = 0;
    TimerId grant_timer_ = 0;
    TimerId extend_timer_ = 0;
    TimerId notice_timer_ = 0;
    Moment now_;
    Commands commands_;
};

}  // namespace calls
