// Which addresses may be called at all: the dial plan, and what guards against toll fraud.
#pragma once

#include "ledger/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace calls {

/// The words of a list that are separated by spaces or commas, e.g. `tel:+49, sip:`.
[[nodiscard]] std::vector<std::string> words_of(std::string_view list);

/// Whether the address begins with one of them.
[[nodiscard]] bool starts_with_any(std::string_view address, std::span<const std::string> prefixes);

/// What tel: numbers are meant that are not complete.
class DialPlan {
  public:
    struct Options {
        ledger::NumberingPlan numbers;
        std::size_t short_digits = 6;        ///< numbers without `+` and so short are not completed
        bool route_short = false;            ///< those go to the gateway as they are; otherwise nowhere
        std::vector<std::string> emergency;  ///< digits
        bool route_emergency = false;        ///< the same
    };
    enum class Kind : std::uint8_t { ordinary, routed, barred };

    explicit DialPlan(Options options) : options_(std::move(options)) {}

    /// The address in normal form, when it is one that can be called: a tel: number, complete unless it is a
    /// short one (`0049…` and national numbers get their `+`), or a sip: URI of printable characters without
    /// brackets, quotes, headers or control characters, with one host and a port that there can be.
    [[nodiscard]] std::optional<std::string> callable(std::string_view text) const;

    /// The same of who calls, by what a peer says: parameters that others put behind a number
    /// (`;cpc=ordinary`) or an address make nobody somebody else.
    [[nodiscard]] std::optional<std::string> caller(std::string_view text) const;

    /// The complete number that a peer means by `sip:+4930123@peer`, `sip:0301234@peer` or
    /// `sip:004930123@peer`. Nothing: it is none.
    [[nodiscard]] std::optional<std::string> number_at_a_peer(std::string_view address) const;

    /// Of a callable address: whether it goes the ordinary way, or is a short or emergency number, also where
    /// somebody put the country's code in front of one.
    [[nodiscard]] Kind kind_of(std::string_view address) const;

  private:
    [[nodiscard]] bool is_emergency(std::string_view number) const;

    Options options_;
};

/// Outside destinations by their first characters; deny wins. Addresses of accounts are another matter.
class Destinations {
  public:
    /// Lists as words_of reads them. `loopback`: sip: URIs of this machine too. `gateway`: the host, or host
    /// and port, that numbers go to.
    Destinations(std::string_view allow, std::string_view deny, bool loopback, std::string_view gateway = {});

    /// Of callable addresses. A number at the gateway is denied in the form of a sip: URI: as the tel: number
    /// that it is, it is looked at in every way that numbers are.
    [[nodiscard]] bool denied(std::string_view address) const;
    [[nodiscard]] bool allowed(std::string_view address) const;
    /// Is this sip: URI at the gateway?
    [[nodiscard]] bool at_gateway(std::string_view address) const;
    /// To one user: `deny` counts, too, and `allow`, unless it is empty, in place of what others may call.
    [[nodiscard]] bool allowed(std::string_view address, std::span<const std::string> allow,
                               std::span<const std::string> deny) const;

  private:
    std::vector<std::string> allow_;
    std::vector<std::string> deny_;
    bool loopback_;
    std::string gateway_;  ///< as a sip: URI in normal form
};

}  // namespace calls
