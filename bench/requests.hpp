// What charging systems send: SOAP requests whose references nobody has used before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Which requests, and on which of the accounts.
enum class Mix : std::uint8_t {
    uniform,  ///< chargeAmount on any account
    zipf,     ///< chargeAmount, Zipf-distributed with 0.99
    hot,      ///< chargeAmount, all on one account
    pairs,    ///< reserveAmount on any account, and chargeReservation for each answer
    each,     ///< chargeAmount on one account after the other, so that the server knows them all
};

class Requests {
  public:
    /// `authorization`: the header's value.
    Requests(Mix mix, std::int64_t accounts, const std::string& authorization);
    Requests(const Requests&) = delete;
    Requests& operator=(const Requests&) = delete;

    /// The next request with its head; valid until the next call.
    [[nodiscard]] std::string_view next();
    /// Tells what was answered to one of them.
    void answered(std::string_view body);

  private:
    /// A request but for what differs between requests of its kind, which is always equally long.
    struct Form {
        std::string bytes;
        std::size_t address = std::string::npos;
        std::size_t reference = std::string::npos;
    };

    [[nodiscard]] Form form(std::string_view interface, std::string_view operation,
                            const std::string& body) const;
    [[nodiscard]] std::string_view filled(Form& form);
    [[nodiscard]] std::string_view capture();

    Mix mix_;
    std::string authorization_;
    std::string run_;  ///< begins all references of this object
    std::mt19937_64 random_;
    std::function<std::int64_t()> pick_;
    std::int64_t count_ = 0;
    Form form_;                          ///< of all requests but captures
    Form capture_;                       ///< the last one
    std::vector<std::string> reserved_;  ///< not captured yet
};

}  // namespace bench
