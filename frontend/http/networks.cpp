// Parsing networks, and the special ranges of the address spaces.
#include "frontend/http/networks.hpp"

#include "frontend/http/trimmed.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace http {
namespace ip = boost::asio::ip;

namespace {

template <class Network, class Address>
bool covers(const Network& network, const Address& address) {
    return Network(address, network.prefix_length()).canonical() == network.canonical();
}

/// RFC 6890 and its registry, without what is public in it; and 168.63.129.16, public by its number, where
/// Azure's machines find their host (metadata of other clouds is link-local, shared or unique-local).
constexpr std::string_view special =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, "
    "168.63.129.16/32, 192.0.2.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, "
    "224.0.0.0/4, 240.0.0.0/4, "
    "::/128, ::1/128, 64:ff9b:1::/48, 100::/64, 2001::/23, 2001:db8::/32, fc00::/7, fe80::/10, fec0::/10, "
    "ff00::/8";

/// The IPv4 address that an IPv6 address stands for, by its first bytes; nothing for others.
std::optional<ip::address_v4> embedded_v4(const ip::address_v6& address) {
    const auto bytes = address.to_bytes();
    const auto v4_at = [&bytes](std::size_t at) {
        return ip::address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
    };
    const auto zero = [&bytes](std::size_t from, std::size_t to) {
        return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                           bytes.begin() + static_cast<std::ptrdiff_t>(to),
                           [](unsigned char byte) { return byte == 0; });
    };
    if (address.is_v4_mapped()) return v4_at(12);
    if (bytes[0] == 0x20 && bytes[1] == 0x02) return v4_at(2);  // 6to4
    const bool nat64 = bytes[0] == 0 && bytes[1] == 0x64 && bytes[2] == 0xFF && bytes[3] == 0x9B;
    if (nat64 && zero(4, 12)) return v4_at(12);
    if (zero(0, 12) && !zero(12, 15)) return v4_at(12);  // the old "compatible" form
    return std::nullopt;
}

}  // namespace

std::optional<Networks> Networks::parse(std::string_view list) {
    Networks result;
    while (!trimmed(list).empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const std::string item(trimmed(list.substr(0, comma)));
        list.remove_prefix(std::min(comma + 1, list.size()));
        const bool plain = item.find('/') == std::string::npos;
        boost::system::error_code ec;
        if (item.find(':') == std::string::npos) {
            result.v4_.push_back(ip::make_network_v4(plain ? item + "/32" : item, ec));
        } else {
            result.v6_.push_back(ip::make_network_v6(plain ? item + "/128" : item, ec));
        }
        if (ec) return std::nullopt;
    }
    return result;
}

bool Networks::contains(const ip::address& address) const {
    const auto holds_v4 = [this](const ip::address_v4& v4) {
        return std::ranges::any_of(v4_, [&v4](const auto& network) { return covers(network, v4); });
    };
    if (address.is_v4()) return holds_v4(address.to_v4());
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped() && holds_v4(ip::make_address_v4(ip::v4_mapped, v6))) return true;
    return std::ranges::any_of(v6_, [&v6](const auto& network) { return covers(network, v6); });
}

bool Networks::contains(std::string_view address) const {
    boost::system::error_code ec;
    const auto parsed = ip::make_address(std::string(address), ec);
    return !ec && contains(parsed);
}

bool is_public(const ip::address& address) {
    static const Networks ranges = Networks::parse(special).value();
    if (ranges.contains(address)) return false;
    if (!address.is_v6()) return true;
    const auto v4 = embedded_v4(address.to_v6());
    return !v4 || !ranges.contains(ip::address(*v4));
}

}  // namespace http
