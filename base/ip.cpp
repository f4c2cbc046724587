// By Asio's parser.
#include "base/ip.hpp"

#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace base {
namespace ip = boost::asio::ip;

std::string counted_address(std::string_view address) {
    constexpr unsigned short prefix = 64;
    std::string text(address);
    if (address.find(':') == std::string_view::npos) return text;
    boost::system::error_code none;
    const auto v6 = ip::make_address_v6(text, none);
    if (none || v6.is_v4_mapped()) return text;
    return ip::network_v6(v6, prefix).canonical().to_string();
}

}  // namespace base
