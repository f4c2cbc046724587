// What went over the wire, until the calls' executor takes it for their traces: nobody looks at those before
// something else happens there, so that messages wake nobody up by themselves.
#pragma once

#include "telephony/calls/signalling.hpp"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace calls {

/// In the order in which they came. From any thread.
class WaitingSignals {
  public:
    using Batch = std::vector<std::pair<CallNo, Signal>>;

    explicit WaitingSignals(std::size_t enough) : enough_(enough) {}

    /// True: so many wait now that somebody should take them, whatever else happens.
    [[nodiscard]] bool add(CallNo call, Signal signal) {
        const std::lock_guard lock(mutex_);
        waiting_.emplace_back(call, std::move(signal));
        return waiting_.size() == enough_;
    }

    [[nodiscard]] bool any() const {
        const std::lock_guard lock(mutex_);
        return !waiting_.empty();
    }

    [[nodiscard]] Batch take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(waiting_, {});
    }

  private:
    std::size_t enough_;
    mutable std::mutex mutex_;
    Batch waiting_;
};

}  // namespace calls
