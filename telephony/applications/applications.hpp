// Asking and telling applications about calls: what the calls see of it.
#pragma once

#include "telephony/applications/notification.hpp"

#include <functional>

namespace applications {

/// On the telephony executor. An application never holds a call up: whatever it does or fails to do, the
/// answer comes within a bounded time.
class Applications {
  public:
    virtual ~Applications() = default;

    /// Calls `done` once, never before ask() has returned. The notification is unknown, or its application
    /// is slow, away, failing or talking nonsense: carry_on.
    virtual void ask(Question question, std::function<void(Directive)> done) = 0;

    /// Returns at once. Tried again for a while when the application is away.
    virtual void tell(Question question) = 0;
};

}  // namespace applications
