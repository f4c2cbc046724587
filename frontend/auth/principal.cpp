// The table "who may do what" and its evaluation.
#include "frontend/auth/principal.hpp"

#include "base/utf8.hpp"

#include <algorithm>

namespace auth {
namespace {

using enum Reach;

// Columns: application, subscriber, administrator, finance, operator.
constexpr std::array table{
    Right{Permission::payment_charge,
          "payment.charge",
          "Charge amounts and volumes, and ask what a volume would cost.",
          {granted, never, never, never, never}},
    Right{Permission::payment_reserve,
          "payment.reserve",
          "Reserve amounts and volumes, charge against reservations and release them.",
          {granted, never, never, never, never}},
    Right{Permission::payment_refund,
          "payment.refund",
          "Give back what a charge of the same application took.",
          {granted, never, never, never, never}},
    Right{Permission::payment_refund_unlinked,
          "payment.refund_unlinked",
          "Refund without naming a charge.",
          {granted, never, never, never, never}},
    Right{Permission::account_read,
          "account.read",
          "See balances, credit expiry and history.",
          {granted, own, domain, domain, granted}},
    Right{Permission::account_update,
          "account.update",
          "Top up balances.",
          {granted, never, domain, never, never}},
    Right{Permission::account_voucher,
          "account.voucher",
          "Redeem vouchers.",
          {granted, own, domain, never, never}},
    Right{Permission::account_adjust,
          "account.adjust",
          "Correct balances and suspend, resume or close accounts.",
          {never, never, never, never, everywhere}},
    Right{Permission::hold_release,
          "hold.release",
          "Release reservations of others.",
          {never, never, never, never, everywhere}},
    Right{Permission::call_make,
          "call.make",
          "Set up and end third-party calls.",
          {granted, own, never, never, never}},
    Right{Permission::call_charge,
          "call.charge",
          "Have calls paid by the calling party's account.",
          {granted, never, never, never, never}},
    Right{Permission::call_outside,
          "call.outside",
          "Call outside addresses from the own telephone, where `[call] allow` lets calls go.",
          {never, granted, never, never, never}},
    Right{Permission::rules_read,
          "rules.read",
          "See Signal Rules and notifications.",
          {granted, own, domain, never, never}},
    Right{Permission::rules_change,
          "rules.change",
          "Change Signal Rules, start and stop notifications.",
          {granted, own_if_set, domain, never, never}},
    Right{Permission::user_manage,
          "user.manage",
          "Create and change users, their grants and limits.",
          {never, never, never, never, everywhere}},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].permission) != i) return false;
    }
    return true;
}
static_assert(in_order(), "the table is indexed by Permission");
static_assert(table.size() <= 32, "granted permissions are the bits of 32");

constexpr std::array<std::string_view, kinds.size()> kind_names{"application", "subscriber", "administrator",
                                                                "finance", "operator"};

std::uint32_t bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }

void lower(std::string& text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
}

bool valid_part(std::string_view part) {
    return !part.empty() && part.size() <= 255 && base::is_utf8(part) &&
           std::ranges::none_of(
               part, [](unsigned char c) { return c <= 0x20 || c == 0x7F || c == ':' || c == '@'; });
}

}  // namespace

std::span<const Right> rights() { return table; }

std::string_view to_string(Permission permission) { return table[static_cast<std::size_t>(permission)].name; }

std::string_view to_string(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::string_view to_string(Reach reach) {
    switch (reach) {
        case never:
            return "never";
        case granted:
            return "granted";
        case own:
            return "own addresses";
        case own_if_set:
            return "own addresses, with rules_by_user";
        case domain:
            return "own domain";
        case everywhere:
            return "everywhere";
    }
    return "";
}

std::optional<Permission> permission_named(std::string_view name) {
    const auto found = std::ranges::find(table, name, &Right::name);
    if (found == table.end()) return std::nullopt;
    return found->permission;
}

std::optional<Kind> kind_named(std::string_view name) {
    const auto found = std::ranges::find(kind_names, name);
    if (found == kind_names.end()) return std::nullopt;
    return kinds[static_cast<std::size_t>(found - kind_names.begin())];
}

Reach reach_of(Kind kind, Permission permission) {
    return table[static_cast<std::size_t>(permission)].reach[static_cast<std::size_t>(kind)];
}

std::optional<Login> parse_login(std::string_view text, std::string_view default_domain) {
    const auto at = text.rfind('@');
    Login login;
    login.name = text.substr(0, at);
    login.domain = at == std::string_view::npos ? default_domain : text.substr(at + 1);
    if (!valid_part(login.name) || !valid_part(login.domain)) return std::nullopt;
    lower(login.name);
    lower(login.domain);
    return login;
}

Principal::Principal(Data data) : data_(std::move(data)), login_(data_.login.text()) {
    for (const auto& grant : data_.grants) {
        auto found = std::ranges::find(granted_, grant.domain, &DomainGrants::domain);
        if (found == granted_.end()) found = granted_.insert(granted_.end(), {grant.domain, 0});
        found->permissions |= bit(grant.permission);
    }
}

bool Principal::owns(std::string_view address) const {
    return std::ranges::find(data_.addresses, address) != data_.addresses.end();
}

bool Principal::changes_rules_of(std::string_view address) const {
    return owns(address) && std::ranges::find(data_.rule_addresses, address) != data_.rule_addresses.end();
}

bool Principal::granted(Permission permission, std::string_view domain) const {
    return std::ranges::any_of(granted_, [&](const DomainGrants& entry) {
        return (entry.permissions & bit(permission)) != 0 && (entry.domain == domain || entry.domain == "*");
    });
}

bool Principal::allows(Permission permission, std::string_view domain) const {
    switch (reach_of(data_.kind, permission)) {
        case Reach::never:
        case Reach::own:
        case Reach::own_if_set:
            return false;
        case Reach::granted:
            return granted(permission, domain);
        case Reach::domain:
            return domain == this->domain() || granted(permission, domain);
        case Reach::everywhere:
            return true;
    }
    return false;
}

bool Principal::allows(Permission permission, std::string_view domain, std::string_view address) const {
    switch (reach_of(data_.kind, permission)) {
        case Reach::own:
            return owns(address);
        case Reach::own_if_set:
            return changes_rules_of(address);
        default:
            return allows(permission, domain);
    }
}

bool Principal::ever_allows(Permission permission, std::string_view address) const {
    switch (reach_of(data_.kind, permission)) {
        case Reach::own:
            return owns(address);
        case Reach::own_if_set:
            return changes_rules_of(address);
        default:
            return ever_allows(permission);
    }
}

bool Principal::ever_allows(Permission permission) const {
    switch (reach_of(data_.kind, permission)) {
        case Reach::never:
            return false;
        case Reach::granted:
            return std::ranges::any_of(granted_, [&](const DomainGrants& entry) {
                return (entry.permissions & bit(permission)) != 0;
            });
        case Reach::own:
            return !data_.addresses.empty();
        case Reach::own_if_set:
            return std::ranges::any_of(data_.addresses,
                                       [this](const std::string& own) { return changes_rules_of(own); });
        case Reach::domain:
        case Reach::everywhere:
            return true;
    }
    return false;
}

}  // namespace auth
