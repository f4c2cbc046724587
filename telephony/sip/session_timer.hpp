// How long a dialog may be silent before it is taken for dead (RFC 4028). Pure: the engine has the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sip {

/// A Session-Expires header.
struct SessionExpires {
    std::chrono::seconds interval{0};
    std::optional<bool> caller_refreshes{};  ///< refresher=uac; of the transaction, not of the dialog
};

/// What our INVITEs and UPDATEs say beside `Supported: timer`.
struct TimerRequest {
    std::optional<SessionExpires> expires{};  ///< nothing: we ask for none, and say no more
    std::chrono::seconds least{0};            ///< Min-SE
};

/// The timer of one dialog: what we ask for, and what was agreed in the last INVITE or UPDATE.
class SessionTimer {
  public:
    enum class Refresher : std::uint8_t { nobody, us, peer };

    /// `wanted` 0: we ask for none, and agree to what peers ask for.
    SessionTimer(std::chrono::seconds wanted, std::chrono::seconds least) : wanted_(wanted), least_(least) {}

    [[nodiscard]] TimerRequest request() const;
    /// A 422 (6): asks for more the next time. False: it already did, or was told so by more than there are
    /// servers on the way (each may ask for more than the one before).
    [[nodiscard]] bool raise(std::chrono::seconds peers_least);
    /// A 2xx to our request; nothing: the peer knows no timers.
    void agree(const std::optional<SessionExpires>& answer);

    /// The least that we take, when the peer's request asks for less: it gets 422.
    [[nodiscard]] bool too_small(const std::optional<SessionExpires>& asked) const {
        return asked && asked->interval < least_;
    }
    /// Without its end.
    [[nodiscard]] std::string least_line() const;
    /// The header lines of our 2xx to the peer's request, which then holds.
    [[nodiscard]] std::string answer_lines(const std::optional<SessionExpires>& asked, bool supported);

    [[nodiscard]] Refresher refresher() const { return refresher_; }
    /// From the last agreement: when we refresh (half), or when the peer's refresh is overdue (10: the
    /// smaller of 32 s and a third before the end).
    [[nodiscard]] std::chrono::seconds due() const;

  private:
    std::chrono::seconds wanted_;
    std::chrono::seconds least_;
    std::chrono::seconds interval_{0};
    int raises_ = 0;
    Refresher refresher_ = Refresher::nobody;
};

}  // namespace sip
