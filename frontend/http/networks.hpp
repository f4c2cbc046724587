// Sets of IP addresses, as operators write them.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace http {

class Networks {
  public:
    /// Addresses and networks between commas: `10.0.0.0/8, ::1, 192.0.2.7`. Nothing when one is neither.
    [[nodiscard]] static std::optional<Networks> parse(std::string_view list);

    /// An IPv4 address counts in its IPv6 form too.
    [[nodiscard]] bool contains(const boost::asio::ip::address& address) const;
    /// False for what is no address.
    [[nodiscard]] bool contains(std::string_view address) const;
    [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

  private:
    std::vector<boost::asio::ip::network_v4> v4_;
    std::vector<boost::asio::ip::network_v6> v6_;
};

/// Is this an address of the public Internet? Not so: loopback, link-local (with the metadata services of
/// clouds), private, shared, multicast, documentation and other special ranges (RFC 6890), nor an IPv6 form
/// of such an IPv4 address (mapped, NAT64, 6to4).
[[nodiscard]] bool is_public(const boost::asio::ip::address& address);

}  // namespace http
