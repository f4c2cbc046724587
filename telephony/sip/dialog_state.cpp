// Lines of a letter, a space and a value. No header's value has a line break: the parser has unfolded them.
#include "telephony/sip/dialog_state.hpp"

#include <charconv>

namespace sip {
namespace {

void add(std::string& text, char name, const std::string& value) {
    text += name;
    text += ' ';
    text += value;
    text += '\n';
}

bool read(DialogState& state, char name, std::string_view value) {
    switch (name) {
        case 'i':
            state.call_id = value;
            return true;
        case 'f':
            state.from = value;
            return true;
        case 't':
            state.to = value;
            return true;
        case 'm':
            state.contact = value;
            return true;
        case 'r':
            state.record_routes.emplace_back(value);
            return true;
        case 'v':
            state.via = value;
            return true;
        case 'u':
            state.target = value;
            return true;
        case 'o':
            state.route = value;
            return true;
        case 'a':
            state.trusted = value == "yes";
            return true;
        case 'c': {
            const auto* end = value.data() + value.size();
            const auto done = std::from_chars(value.data(), end, state.cseq);
            return done.ec == std::errc() && done.ptr == end;
        }
        default:
            return false;
    }
}

}  // namespace

std::string to_string(const DialogState& state) {
    std::string text;
    add(text, 'i', state.call_id);
    add(text, 'f', state.from);
    add(text, 't', state.to);
    add(text, 'c', std::to_string(state.cseq));
    if (!state.contact.empty()) add(text, 'm', state.contact);
    for (const auto& route : state.record_routes) add(text, 'r', route);
    if (!state.via.empty()) add(text, 'v', state.via);
    if (!state.target.empty()) add(text, 'u', state.target);
    if (!state.route.empty()) add(text, 'o', state.route);
    if (state.trusted) add(text, 'a', "yes");
    return text;
}

std::optional<DialogState> dialog_state_from(std::string_view text) {
    DialogState state;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (line.size() == text.size() || line.size() < 3 || line[1] != ' ') return std::nullopt;
        if (!read(state, line[0], line.substr(2))) return std::nullopt;
        text.remove_prefix(line.size() + 1);
    }
    if (state.call_id.empty() || state.from.empty() || state.to.empty()) return std::nullopt;
    return state;
}

}  // namespace sip
