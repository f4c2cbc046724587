// The messages of a call's dialogs in their order, for people who look at how it went.
#pragma once

#include "telephony/calls/call.hpp"
#include "telephony/calls/signalling.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace calls {

/// Keeps the first ones, which say how the call was set up, and counts the rest.
class Ladder {
  public:
    explicit Ladder(std::size_t signals_max) : signals_max_(signals_max) {}

    void add(Signal signal);
    /// The parties, and a line for each message: milliseconds since the call was asked for, which way, which
    /// party, what.
    [[nodiscard]] std::string text(const CallStatus& status) const;

  private:
    std::size_t signals_max_;
    std::size_t left_out_ = 0;
    std::vector<Signal> signals_;
};

}  // namespace calls
