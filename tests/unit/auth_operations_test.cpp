// The table of operations: against the services' tables, the document, and every role.
#include "frontend/auth/operations.hpp"

#include "frontend/service.hpp"
#include "payment/amount_messages.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace {

using auth::Kind;
using auth::Reach;

TEST(OperationRights, every_operation_stands_once) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const auto& right : auth::operation_rights()) {
        EXPECT_TRUE(seen.insert({right.interface, right.operation}).second) << right.operation;
        EXPECT_EQ(auth::permission_of(right.interface, right.operation), right.permission);
    }
    EXPECT_FALSE(auth::permission_of("AmountCharging", "getBalance"));
}

TEST(OperationRights, every_served_operation_has_one) {
    for (const auto& operation : payment::amount_charging.operations) {
        EXPECT_TRUE(auth::permission_of(payment::amount_charging.name, operation.name)) << operation.name;
    }
}

TEST(OperationRights, the_document_is_made_from_the_tables) {
    std::ifstream file(LEDGERLINE_SOURCE_DIR "/docs/rights.md");
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), auth::rights_document())
        << "write it anew: ledgerline user rights > docs/rights.md";
}

/// The matrix: each operation, kind, grant and place, asked as services ask, against the reach of its cell.
TEST(OperationRights, the_full_matrix) {
    for (const auto& right : auth::operation_rights()) {
        for (const auto kind : auth::kinds) {
            for (const std::string grant : {"", "example.com", "*"}) {
                SCOPED_TRACE(std::string(right.operation) + ' ' + std::string(auth::to_string(kind)) + ' ' +
                             grant);
                auth::Principal::Data data;
                data.login = {"somebody", "example.com"};
                data.kind = kind;
                if (kind == Kind::subscriber) {
                    data.addresses = {"tel:+1", "tel:+3"};
                    data.rule_addresses = {"tel:+1"};
                }
                if (!grant.empty()) data.grants = {{grant, right.permission}};
                const auto who = std::make_shared<const auth::Principal>(std::move(data));
                frontend::Call call{};
                call.principal = who;
                call.permission = right.permission;
                const auto reach = auth::reach_of(kind, right.permission);
                const auto may = [&](const char* domain, const char* address) {
                    return !frontend::refusal(call, domain, address);
                };
                const bool home = reach == Reach::everywhere || reach == Reach::domain ||
                                  (reach == Reach::granted && !grant.empty());
                const bool own = reach == Reach::own || reach == Reach::own_if_set;
                EXPECT_EQ(may("example.com", "tel:+1"), home || (own && kind == Kind::subscriber));
                EXPECT_EQ(may("example.com", "tel:+2"), home);
                EXPECT_EQ(may("example.com", "tel:+3"),
                          home || (reach == Reach::own && kind == Kind::subscriber));
                EXPECT_EQ(may("other.org", "tel:+2"),
                          reach == Reach::everywhere ||
                              ((reach == Reach::domain || reach == Reach::granted) && grant == "*"));
            }
        }
    }
}

}  // namespace
