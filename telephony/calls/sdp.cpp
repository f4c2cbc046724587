// Session descriptions, line by line. Lines end with CRLF; a lone LF, as some send it, is read too.
#include "telephony/calls/sdp.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace calls::sdp {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) lines.push_back(line);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

void append(std::string& out, std::string_view line) {
    out += line;
    out += "\r\n";
}

std::string origin_line(const Origin& origin) {
    const bool v6 = origin.address.find(':') != std::string::npos;
    return "o=ledgerline " + std::to_string(origin.session) + ' ' + std::to_string(origin.version) +
           " IN IP" + (v6 ? '6' : '4') + ' ' + origin.address;
}

/// The m= line with another port: `m=audio 9 RTP/AVP 0`.
std::string with_port(std::string_view line, std::string_view port) {
    const auto first = line.find(' ');
    if (first == std::string_view::npos) return std::string(line);
    const auto second = line.find(' ', first + 1);
    std::string result(line.substr(0, first + 1));
    result += port;
    if (second != std::string_view::npos) result += line.substr(second);
    return result;
}

constexpr std::string_view nowhere_v4 = "c=IN IP4 0.0.0.0";
constexpr std::string_view nowhere_v6 = "c=IN IP6 ::";

bool says_direction(std::string_view line) {
    return line == "a=sendrecv" || line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive";
}

/// a= and c= lines of one section, or of the whole description.
struct Directions {
    bool sends = true;
    bool receives = true;
    bool nowhere = false;  ///< c= is 0.0.0.0 or ::

    void read(std::string_view line) {
        if (line.starts_with("c=")) nowhere = line.starts_with(nowhere_v4) || line == nowhere_v6;
        if (!says_direction(line)) return;
        sends = line != "a=recvonly" && line != "a=inactive";
        receives = line != "a=sendonly" && line != "a=inactive";
    }
};

std::string_view direction_line(bool sends, bool receives) {
    if (sends) return receives ? "a=sendrecv" : "a=sendonly";
    return receives ? "a=recvonly" : "a=inactive";
}

/// `audio 4000 RTP/AVP 0`, without `m=`.
std::optional<sdp::Medium> medium_of(std::string_view line) {
    const auto kind = line.substr(0, line.find(' '));
    const auto port = line.substr(std::min(kind.size() + 1, line.size()));
    if (port.empty() || port.starts_with("0 ") || port == "0") return std::nullopt;
    return sdp::Medium{std::string(kind)};
}

/// Whether its media are at IPv6 addresses.
bool speaks_v6(std::string_view text) {
    return std::ranges::any_of(lines_of(text), [](auto line) { return line.starts_with("c=IN IP6 "); });
}

/// Where the first audio is to be sent to: `c=IN IP4 1.2.3.4 4000`.
std::string audio_address(std::string_view text) {
    std::string_view connection;
    std::string_view port;
    bool sections = false;
    for (const auto line : lines_of(text)) {
        if (line.starts_with("m=")) {
            if (!port.empty()) break;
            sections = true;
            const auto medium = medium_of(line.substr(2));
            if (!medium || medium->kind != "audio") continue;
            port = line.substr(line.find(' ') + 1);
            port = port.substr(0, port.find(' '));
        } else if (line.starts_with("c=") && (!sections || !port.empty())) {
            connection = line;
        }
    }
    return std::string(connection) + ' ' + std::string(port);
}

/// A description with one section for each of the other one's, on this port and with this attribute, whose
/// media come from nowhere.
std::string dummy(std::string_view other, const Origin& origin, std::string_view port,
                  std::string_view attribute) {
    std::string out;
    append(out, "v=0");
    append(out, origin_line(origin));
    append(out, "s=-");
    append(out, speaks_v6(other) ? nowhere_v6 : nowhere_v4);
    append(out, "t=0 0");
    for (const auto line : lines_of(other)) {
        if (!line.starts_with("m=")) continue;
        append(out, with_port(line, port));
        if (!attribute.empty()) append(out, attribute);
    }
    return out;
}

}  // namespace

std::vector<Medium> media(std::string_view text) {
    std::vector<Medium> result;
    Directions common;
    Directions own;
    std::optional<Medium> current;
    const auto close = [&] {
        if (!current) return;
        current->sends = own.sends;
        current->receives = own.receives && !own.nowhere;
        result.push_back(std::move(*current));
    };
    bool sections = false;
    for (const auto line : lines_of(text)) {
        if (line.starts_with("m=")) {
            close();
            sections = true;
            own = common;
            current = medium_of(line.substr(2));
        } else if (sections) {
            own.read(line);
        } else {
            common.read(line);
        }
    }
    close();
    return result;
}

bool on_hold(std::string_view text) {
    const auto all = media(text);
    return !all.empty() && std::ranges::none_of(all, &Medium::receives);
}

bool adds_media(std::string_view text, std::string_view before) {
    const auto all = media(text);
    const auto had = media(before);
    return std::ranges::any_of(all, [&](const Medium& medium) {
        return std::ranges::count(all, medium.kind, &Medium::kind) >
               std::ranges::count(had, medium.kind, &Medium::kind);
    });
}

bool same_origin(std::string_view left, std::string_view right) {
    const auto origin = [](std::string_view text) {
        const auto lines = lines_of(text);
        const auto line = std::ranges::find_if(lines, [](std::string_view l) { return l.starts_with("o="); });
        return line == lines.end() ? std::string_view() : *line;
    };
    return !origin(left).empty() && origin(left) == origin(right);
}

bool same_audio(std::string_view left, std::string_view right) {
    const auto directions = [](std::string_view text) {
        const auto all = media(text);
        const auto audio = std::ranges::find(all, "audio", &Medium::kind);
        return audio == all.end() ? std::pair(false, false) : std::pair(audio->sends, audio->receives);
    };
    return audio_address(left) == audio_address(right) && directions(left) == directions(right);
}

std::size_t media_lines(std::string_view text) {
    std::size_t count = 0;
    for (const auto line : lines_of(text)) count += line.starts_with("m=") ? 1 : 0;
    return count;
}

std::string with_origin(std::string_view text, const Origin& origin) {
    std::string out;
    for (const auto line : lines_of(text)) append(out, line.starts_with("o=") ? origin_line(origin) : line);
    return out;
}

std::string padded(std::string_view text, std::size_t lines) {
    std::string out;
    for (const auto line : lines_of(text)) append(out, line);
    for (auto have = media_lines(text); have < lines; ++have) append(out, "m=audio 0 RTP/AVP 0");
    return out;
}

std::string cut(std::string_view text, std::size_t lines) {
    std::string out;
    std::size_t have = 0;
    for (const auto line : lines_of(text)) {
        if (line.starts_with("m=") && ++have > lines) break;
        append(out, line);
    }
    return out;
}

std::string limited(std::string_view text, const AudioOnly& to) {
    std::string out;
    Directions common;
    Directions own;
    bool sections = false;
    bool audio = false;
    const auto close = [&] {
        if (audio) append(out, direction_line(own.sends && to.sends, own.receives && to.receives));
    };
    for (const auto line : lines_of(text)) {
        if (line.starts_with("m=")) {
            close();
            sections = true;
            own = common;
            audio = line.starts_with("m=audio ");
            append(out, audio ? std::string(line) : with_port(line, "0"));
            continue;
        }
        (sections ? own : common).read(line);
        if (!says_direction(line)) append(out, line);
    }
    close();
    return out;
}

std::string silent_offer(const Origin& origin) {
    const bool v6 = origin.address.find(':') != std::string::npos;
    const auto family = std::string(v6 ? nowhere_v6 : nowhere_v4) + "\r\n";
    return dummy(family + "m=audio 9 RTP/AVP 0 8\r\n", origin, "9", "a=inactive");
}

// Without a key, where the offer is of SRTP (RFC 4568): baresip takes that, and is silent later after one.
std::string held_answer(std::string_view offer, const Origin& origin) {
    return dummy(offer, origin, "9", "a=inactive");
}

std::string refusing_answer(std::string_view offer, const Origin& origin) {
    return dummy(offer, origin, "0", "");
}

}  // namespace calls::sdp
