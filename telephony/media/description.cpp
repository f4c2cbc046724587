// Reads offers line by line; lines that mean nothing to a mixer are passed over.
#include "telephony/media/description.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <utility>

namespace media {
namespace {

/// What AudioBridge can mix. Static payload types need no rtpmap (RFC 3551).
struct Codec {
    std::string_view name;
    std::string_view encoding;
    int static_type;  ///< -1: none
};
constexpr std::array codecs{Codec{"pcmu", "PCMU/8000", 0}, Codec{"pcma", "PCMA/8000", 8},
                            Codec{"opus", "opus/48000/2", -1}};

/// The text up to the separator; what follows it stays.
std::string_view take(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    const auto word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return word;
}

std::optional<int> number(std::string_view text, int max) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > max)
        return std::nullopt;
    return value;
}

bool same_encoding(std::string_view left, std::string_view right) {
    // A channel count of one may be said.
    if (left.ends_with("/1")) left.remove_suffix(2);
    return std::ranges::equal(
        left, right, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c + 0; },
        [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c + 0; });
}

/// One m= section with what concerns it.
struct Section {
    std::string line;  ///< without "m="
    std::string address;
    std::string direction;
    std::vector<std::pair<int, std::string>> encodings;  ///< its rtpmaps
};

/// The value of a c= line: `IN IP4 192.0.2.1`.
std::string connection_address(std::string_view value) {
    take(value, ' ');
    take(value, ' ');
    return std::string(take(value, '/'));
}

bool is_direction(std::string_view attribute) {
    return attribute == "sendrecv" || attribute == "sendonly" || attribute == "recvonly" ||
           attribute == "inactive";
}

void read_attribute(Section& section, std::string_view attribute) {
    if (is_direction(attribute)) section.direction = attribute;
    constexpr std::string_view rtpmap = "rtpmap:";
    if (!attribute.starts_with(rtpmap)) return;
    attribute.remove_prefix(rtpmap.size());
    const auto type = number(take(attribute, ' '), 127);
    if (type) section.encodings.emplace_back(*type, std::string(take(attribute, ' ')));
}

std::vector<Section> sections_of(std::string_view text) {
    std::vector<Section> sections;
    Section common;
    common.direction = "sendrecv";
    while (!text.empty()) {
        auto line = take(text, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() < 2 || line[1] != '=') continue;
        const auto value = line.substr(2);
        if (line[0] == 'm') {
            sections.push_back(common);
            sections.back().line = value;
            continue;
        }
        auto& section = sections.empty() ? common : sections.back();
        if (line[0] == 'c') section.address = connection_address(value);
        if (line[0] == 'a') read_attribute(section, value);
    }
    return sections;
}

std::string encoding_of(const Section& section, int type) {
    for (const auto& [mapped, encoding] : section.encodings) {
        if (mapped == type) return encoding;
    }
    const auto known = std::ranges::find(codecs, type, &Codec::static_type);
    return known == codecs.end() ? std::string() : std::string(known->encoding);
}

/// Takes the section's codec, port and address if it can be mixed.
bool read_section(const Section& section, Offer& offer) {
    std::string_view line = section.line;
    if (take(line, ' ') != "audio") return false;
    const auto port = number(take(line, ' '), 65'535);
    const auto protocol = take(line, ' ');
    if (!port || *port == 0 || (protocol != "RTP/AVP" && protocol != "RTP/AVPF")) return false;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(section.address, error);
    if (error || address.is_unspecified()) return false;
    while (!line.empty()) {
        const auto type = number(take(line, ' '), 127);
        if (!type) continue;
        const auto encoding = encoding_of(section, *type);
        const auto codec = std::ranges::find_if(
            codecs, [&](const Codec& known) { return same_encoding(encoding, known.encoding); });
        if (codec == codecs.end()) continue;
        offer.address = section.address;
        offer.port = static_cast<std::uint16_t>(*port);
        offer.codec = codec->name;
        offer.payload_type = *type;
        offer.encoding = codec->encoding;
        offer.direction = section.direction;
        return true;
    }
    return false;
}

/// What the bridge does while the party does this.
std::string_view mirrored(std::string_view direction) {
    if (direction == "sendonly") return "recvonly";
    if (direction == "recvonly") return "sendonly";
    return direction;
}

/// The m= line with another port and these formats: `audio 4000 RTP/AVP 0`.
std::string with_port(std::string_view line, const std::string& port, std::string_view formats) {
    std::string result(take(line, ' '));
    take(line, ' ');
    result += ' ' + port + ' ';
    result += take(line, ' ');
    result += ' ';
    result += formats.empty() ? line : formats;
    return result;
}

}  // namespace

std::optional<Offer> read_offer(std::string_view text) {
    Offer offer;
    const auto sections = sections_of(text);
    bool found = false;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        offer.sections.push_back(sections[i].line);
        if (found || !read_section(sections[i], offer)) continue;
        offer.mixed = i;
        found = true;
    }
    return found ? std::optional(std::move(offer)) : std::nullopt;
}

std::string answer_to(const Offer& offer, const std::string& address, std::uint16_t port) {
    const std::string family = address.find(':') == std::string::npos ? "IP4 " : "IP6 ";
    const auto type = std::to_string(offer.payload_type);
    std::string text =
        "v=0\r\no=- 0 0 IN " + family + address + "\r\ns=-\r\nc=IN " + family + address + "\r\nt=0 0\r\n";
    for (std::size_t i = 0; i < offer.sections.size(); ++i) {
        const auto& line = offer.sections[i];
        if (i != offer.mixed) {
            text += "m=" + with_port(line, "0", {}) + "\r\n";
            continue;
        }
        text += "m=" + with_port(line, std::to_string(port), type) + "\r\n";
        text += "a=rtpmap:" + type + ' ' + offer.encoding + "\r\na=ptime:20\r\na=";
        text += mirrored(offer.direction);
        text += "\r\n";
    }
    return text;
}

}  // namespace media
