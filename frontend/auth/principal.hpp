// Who somebody is and what they may do: a value without database, HTTP or SOAP.
#pragma once

#include "frontend/auth/limits.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace auth {

enum class Kind : std::uint8_t { application, subscriber, administrator, finance, operator_ };
inline constexpr std::array kinds{Kind::application, Kind::subscriber, Kind::administrator, Kind::finance,
                                  Kind::operator_};

/// What can be allowed. Services name these; SOAP operations map to them in the services' tables.
enum class Permission : std::uint8_t {
    payment_charge,
    payment_reserve,
    payment_refund,
    payment_refund_unlinked,
    account_read,
    account_update,
    account_voucher,
    account_adjust,
    hold_release,
    call_make,
    call_charge,
    call_outside,
    rules_read,
    rules_change,
    user_manage,
};

/// How far a kind of principal reaches with a permission when nothing more is known about it.
enum class Reach : std::uint8_t {
    never,       ///< not even with a grant
    granted,     ///< in the domains of its grants
    own,         ///< on its own addresses
    own_if_set,  ///< on those own addresses whose account lets its users (`rules_by_user`)
    domain,      ///< in its own domain, and in the domains of its grants
    everywhere,
};

/// One row of the table "who may do what": the checks, `docs/rights.md` and the tests are made from it.
struct Right {
    Permission permission;
    std::string_view name;                  ///< as grants, logs and documents spell it, e.g. `payment.charge`
    std::string_view description;           ///< one sentence for people
    std::array<Reach, kinds.size()> reach;  ///< by kind, in the order of `kinds`
};

/// The whole table, in the order of Permission.
[[nodiscard]] std::span<const Right> rights();

[[nodiscard]] std::string_view to_string(Permission permission);
[[nodiscard]] std::string_view to_string(Kind kind);
[[nodiscard]] std::string_view to_string(Reach reach);
[[nodiscard]] std::optional<Permission> permission_named(std::string_view name);
[[nodiscard]] std::optional<Kind> kind_named(std::string_view name);
[[nodiscard]] Reach reach_of(Kind kind, Permission permission);

/// A permission in one domain (`*`: in all of them).
struct Grant {
    std::string domain;
    Permission permission;
    bool operator==(const Grant&) const = default;
};

/// A login taken apart: `alice` and `alice@example.com` are the same one where example.com is the default
/// domain. Letters A-Z compare without case; other characters as they are.
struct Login {
    std::string name;
    std::string domain;
    [[nodiscard]] std::string text() const { return name + '@' + domain; }
    bool operator==(const Login&) const = default;
};

/// Nothing when a part is empty, longer than 255 bytes, not UTF-8, or has control characters, spaces or
/// colons.
[[nodiscard]] std::optional<Login> parse_login(std::string_view text, std::string_view default_domain);

/// A person, program or machine that was recognised. Immutable; shared between requests.
class Principal {
  public:
    struct Data {
        std::int64_t id = 0;
        Login login;
        std::string application;  ///< its name in the ledger
        Kind kind = Kind::application;
        std::vector<std::string> addresses;  ///< a subscriber's own addresses in the ledger's normal form
        std::vector<Grant> grants;
        AccessLimits limits{};
        std::vector<std::string> rule_addresses{};  ///< own ones whose account has `rules_by_user` on
    };

    explicit Principal(Data data);

    [[nodiscard]] std::int64_t id() const { return data_.id; }
    /// Always in the long form: `alice@example.com`.
    [[nodiscard]] const std::string& login() const { return login_; }
    /// Its name in the ledger, fixed when it was made: requests are remembered under it.
    [[nodiscard]] const std::string& application() const { return data_.application; }
    [[nodiscard]] const std::string& domain() const { return data_.login.domain; }
    [[nodiscard]] Kind kind() const { return data_.kind; }
    [[nodiscard]] std::span<const std::string> addresses() const { return data_.addresses; }
    [[nodiscard]] std::span<const Grant> grants() const { return data_.grants; }
    [[nodiscard]] const AccessLimits& limits() const { return data_.limits; }
    [[nodiscard]] bool owns(std::string_view address) const;

    /// May it do this in this domain, whatever the address? Denied unless granted.
    [[nodiscard]] bool allows(Permission permission, std::string_view domain) const;

    /// May it do this to this address, which belongs to this domain? The form that services use.
    [[nodiscard]] bool allows(Permission permission, std::string_view domain, std::string_view address) const;

    /// Might it do this to an address that no account holds, as far as anybody can tell? What somebody
    /// reaches by domain may exist; what is reached as one's own is known.
    [[nodiscard]] bool ever_allows(Permission permission, std::string_view address) const;

    /// Might it do this to any address at all?
    [[nodiscard]] bool ever_allows(Permission permission) const;

  private:
    [[nodiscard]] bool granted(Permission permission, std::string_view domain) const;
    [[nodiscard]] bool changes_rules_of(std::string_view address) const;

    struct DomainGrants {
        std::string domain;
        std::uint32_t permissions = 0;  ///< a bit for each Permission
    };

    Data data_;
    std::string login_;
    std::vector<DomainGrants> granted_;
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace auth
