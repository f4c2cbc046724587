// The ladder as text.
#include "telephony/calls/ladder.hpp"

#include <algorithm>
#include <utility>

namespace calls {
namespace {

/// Longer than an address may be.
constexpr std::size_t text_max = 600;

/// Part of it are a peer's words: a line, which no terminal takes for a command.
std::string line_of(const std::string& text) {
    auto line = text.substr(0, text_max);
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
    line.shrink_to_fit();
    return line;
}

}  // namespace

void Ladder::add(Signal signal) {
    if (signals_.size() >= signals_max_) {
        ++left_out_;
        return;
    }
    signal.text = line_of(signal.text);
    signals_.push_back(std::move(signal));
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
