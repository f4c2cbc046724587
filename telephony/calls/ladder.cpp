// The ladder as text.
#include "telephony/calls/ladder.hpp"

#include <utility>

namespace calls {

void Ladder::add(Signal signal) {
    if (signals_.size() < signals_max_)
        signals_.push_back(std::move(signal));
    else
        ++left_out_;
}

std::string Ladder::text(const CallStatus& status) const {
    constexpr std::size_t time_width = 9;
    std::string text;
    for (std::size_t leg = 0; leg < status.parties.size(); ++leg)
        text += "party " + std::to_string(leg + 1) + ": " + status.parties[leg].address + '\n';
    for (const auto& signal : signals_) {
        const auto time = std::to_string((signal.at.steady - status.created.steady).count());
        if (time.size() < time_width) text.append(time_width - time.size(), ' ');
        text += time + " ms  " + (signal.sent ? "-> " : "<- ") + std::to_string(signal.leg + 1) + "  " +
                signal.text + '\n';
    }
    if (left_out_ > 0) text += "and " + std::to_string(left_out_) + " more\n";
    return text;
}

}  // namespace calls
