// PINs of accounts: checked when the account has one; after a few wrong ones nobody gets further for a while.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace accountmgmt {

enum class PinVerdict : std::uint8_t {
    good,         ///< right, or the account has none
    bad,          ///< wrong, missing, or not even looked at because of too many wrong ones lately
    overloaded,   ///< too many PINs are being verified already: try again
    unavailable,  ///< the database did not answer: try again
};

class Pins {
  public:
    struct Options {
        std::int32_t tries_max = 5;  ///< wrong PINs that an account may try …
        std::chrono::milliseconds tries_window = std::chrono::minutes(15);  ///< … within so long
        std::chrono::seconds remember{300};    ///< how long a right PIN is not verified again
        std::size_t remember_limit = 4096;     ///< PINs; older ones give way
        std::size_t hashing_queue_limit = 64;  ///< PINs that may wait for the hashing thread
    };

    /// `database` outlives this; this goes before the io_contexts whose coroutines use it.
    Pins(base::Database& database, Options options, base::Logger log);
    ~Pins();  ///< finishes the verifications under way
    Pins(const Pins&) = delete;
    Pins& operator=(const Pins&) = delete;

    /// Tries are counted in the database, so over all nodes, and before they are judged. More than tries_max
    /// right ones at once on an account whose PIN is not remembered may hit the limit, too. Does not throw.
    boost::asio::awaitable<PinVerdict> check(std::int64_t account, std::optional<std::string> pin);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace accountmgmt
