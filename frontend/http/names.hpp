// Names of hosts. The system may take half a minute to look one up whose servers are silent, and Asio has one
// thread for all look-ups: here each name has its own meanwhile, and holds up nobody but those who want it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace http {

using Addresses = std::vector<boost::asio::ip::address>;

/// For any thread. It ends while names are still looked up, for nobody then.
class Names {
  public:
    Names();
    ~Names();
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    /// None: there are none, they are not known in time, or too many names are looked up.
    boost::asio::awaitable<Addresses> find(std::string host, std::chrono::steady_clock::time_point until);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace http
