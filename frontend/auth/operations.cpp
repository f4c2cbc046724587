// The table of operations, and the document made from it.
#include "frontend/auth/operations.hpp"

#include <algorithm>
#include <array>

namespace auth {
namespace {

using enum Permission;

constexpr std::string_view amount_charging = "AmountCharging";
constexpr std::string_view volume_charging = "VolumeCharging";
constexpr std::string_view reserve_amount = "ReserveAmountCharging";
constexpr std::string_view reserve_volume = "ReserveVolumeCharging";
constexpr std::string_view account_management = "AccountManagement";
constexpr std::string_view third_party_call = "ThirdPartyCall";
constexpr std::string_view direction_manager = "CallDirectionManager";
constexpr std::string_view notification_manager = "CallNotificationManager";
constexpr std::string_view call_handling = "CallHandling";

constexpr std::array operations{
    OperationRight{amount_charging, "chargeAmount", payment_charge},
    OperationRight{amount_charging, "refundAmount", payment_refund},
    OperationRight{amount_charging, "chargeSplitAmount", payment_charge},

    OperationRight{volume_charging, "chargeVolume", payment_charge},
    OperationRight{volume_charging, "getAmount", payment_charge},
    OperationRight{volume_charging, "refundVolume", payment_refund},
    OperationRight{volume_charging, "chargeSplitVolume", payment_charge},

    OperationRight{reserve_amount, "reserveAmount", payment_reserve},
    OperationRight{reserve_amount, "reserveAdditionalAmount", payment_reserve},
    OperationRight{reserve_amount, "chargeReservation", payment_reserve},
    OperationRight{reserve_amount, "releaseReservation", payment_reserve},

    OperationRight{reserve_volume, "getAmount", payment_reserve},
    OperationRight{reserve_volume, "reserveVolume", payment_reserve},
    OperationRight{reserve_volume, "reserveAdditionalVolume", payment_reserve},
    OperationRight{reserve_volume, "chargeReservation", payment_reserve},
    OperationRight{reserve_volume, "releaseReservation", payment_reserve},

    OperationRight{account_management, "getBalance", account_read},
    OperationRight{account_management, "getCreditExpiryDate", account_read},
    OperationRight{account_management, "getHistory", account_read},
    OperationRight{account_management, "getBalanceTypes", account_read},
    OperationRight{account_management, "balanceUpdate", account_update},
    OperationRight{account_management, "voucherUpdate", account_voucher},

    OperationRight{third_party_call, "makeCall", call_make},
    OperationRight{third_party_call, "getCallInformation", call_make},
    OperationRight{third_party_call, "endCall", call_make},
    OperationRight{third_party_call, "cancelCallRequest", call_make},
    OperationRight{third_party_call, "makeCallSession", call_make},
    OperationRight{third_party_call, "addCallParticipant", call_make},
    OperationRight{third_party_call, "transferCallParticipant", call_make},
    OperationRight{third_party_call, "getCallParticipantInformation", call_make},
    OperationRight{third_party_call, "getCallSessionInformation", call_make},
    OperationRight{third_party_call, "deleteCallParticipant", call_make},
    OperationRight{third_party_call, "endCallSession", call_make},

    OperationRight{direction_manager, "startCallDirectionNotification", rules_change},
    OperationRight{direction_manager, "stopCallDirectionNotification", rules_change},

    OperationRight{notification_manager, "startCallNotification", rules_change},
    OperationRight{notification_manager, "stopCallNotification", rules_change},
    OperationRight{notification_manager, "startPlayAndCollectNotification", rules_change},
    OperationRight{notification_manager, "startPlayAndRecordNotification", rules_change},
    OperationRight{notification_manager, "stopMediaInteractionNotification", rules_change},

    OperationRight{call_handling, "setRules", rules_change},
    OperationRight{call_handling, "setRulesForGroup", rules_change},
    OperationRight{call_handling, "getRules", rules_read},
    OperationRight{call_handling, "clearRules", rules_change},
};

std::string row_of(const Right& right) {
    std::string row;
    for (const auto kind : kinds) row += " | " + std::string(to_string(reach_of(kind, right.permission)));
    return row + " |\n";
}

std::string heading(std::string_view first) {
    std::string names = "| " + std::string(first), line = "| ---";
    for (const auto kind : kinds) {
        names += " | " + std::string(to_string(kind));
        line += " | ---";
    }
    return names + " |\n" + line + " |\n";
}

}  // namespace

std::span<const OperationRight> operation_rights() { return operations; }

std::optional<Permission> permission_of(std::string_view interface, std::string_view operation) {
    const auto found = std::ranges::find_if(operations, [&](const OperationRight& right) {
        return right.interface == interface && right.operation == operation;
    });
    if (found == operations.end()) return std::nullopt;
    return found->permission;
}

std::string rights_document() {
    std::string text =
        "# Who may do what\n\n"
        "Made from the tables in frontend/auth (`ledgerline user rights` prints it); a test holds this page "
        "against "
        "them.\nEverything is denied unless it stands here. *granted*: in the domains of the grants that "
        "`ledgerline user grant`\ngave, `*` being every domain; *own addresses*: of the subscriber's own "
        "account; "
        "*own addresses, with rules_by_user*: on accounts whose\nusers may (`ledgerline account set`); *own "
        "domain*: of the login, and in the domains of grants. Refused: POL0001\n`not-allowed`. Reservations, "
        "calls, notifications and references of others answer like unknown ones;\nbut a subscriber's call "
        "may "
        "be between any numbers of the own domain, and a domain administrator sees, ends and takes parties "
        "out of\nthe calls that logins of the domain started.\n\n## Permissions\n\n";
    text += heading("permission");
    for (const auto& right : rights()) text += "| `" + std::string(right.name) + '`' + row_of(right);
    text += '\n';
    for (const auto& right : rights()) {
        text += "- `" + std::string(right.name) + "`: " + std::string(right.description) + '\n';
    }
    text += "\n## Operations\n\n" + heading("operation | permission");
    // The heading's second line has a column less than its first.
    text.insert(text.rfind("| ---"), "| --- ");
    for (const auto& operation : operations) {
        const auto& right = rights()[static_cast<std::size_t>(operation.permission)];
        text += "| " + std::string(operation.interface) + '.' + std::string(operation.operation) + " | `" +
                std::string(right.name) + '`' + row_of(right);
    }
    return text;
}

}  // namespace auth
