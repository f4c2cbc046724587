// Logins, and the table "who may do what" in every cell.
#include "frontend/auth/principal.hpp"

#include <gtest/gtest.h>

namespace {

using auth::Grant;
using auth::Kind;
using auth::parse_login;
using auth::Permission;
using auth::Principal;
using auth::Reach;

constexpr const char* home = "example.com";
constexpr const char* elsewhere = "other.org";
constexpr const char* own_address = "tel:+15550001";
constexpr const char* other_address = "tel:+15550002";

Principal principal(Kind kind, std::vector<Grant> grants) {
    Principal::Data data;
    data.id = 1;
    data.login = {"alice", home};
    data.kind = kind;
    if (kind == Kind::subscriber) {
        data.addresses = {own_address, "sip:alice@example.com"};
        data.rule_addresses = {own_address};
    }
    data.grants = std::move(grants);
    return Principal(std::move(data));
}

TEST(Login, short_and_long_form_are_the_same) {
    EXPECT_EQ(parse_login("alice", home), parse_login("alice@example.com", home));
    EXPECT_EQ(parse_login("Alice", home), parse_login("ALICE@Example.COM", home));
    EXPECT_NE(parse_login("alice@other.org", home), parse_login("alice", home));
    EXPECT_EQ(parse_login("alice", home).value().text(), "alice@example.com");
    EXPECT_EQ(parse_login("j\u00fcrgen", home).value().name, "j\u00fcrgen");
}

TEST(Login, refuses_what_names_nobody) {
    for (const auto* text :
         {"", "@", "@example.com", "alice@", "a b", "a:b", "a\tb", "a@b@c", "\xff", "a\x7f"}) {
        EXPECT_FALSE(parse_login(text, home)) << text;
    }
    EXPECT_FALSE(parse_login(std::string(256, 'a'), home));
    EXPECT_FALSE(parse_login("alice", ""));
}

TEST(Principal, is_named_in_the_long_form) {
    const auto alice = principal(Kind::subscriber, {});
    EXPECT_EQ(alice.login(), "alice@example.com");
    EXPECT_TRUE(alice.owns(own_address));
    EXPECT_FALSE(alice.owns(other_address));
}

TEST(Rights, names_are_found_again) {
    for (const auto& right : auth::rights()) {
        EXPECT_EQ(auth::permission_named(right.name), right.permission);
        EXPECT_EQ(auth::to_string(right.permission), right.name);
        EXPECT_FALSE(right.description.empty());
    }
    for (const auto kind : auth::kinds) EXPECT_EQ(auth::kind_named(auth::to_string(kind)), kind);
    EXPECT_FALSE(auth::permission_named("payment"));
    EXPECT_FALSE(auth::kind_named("root"));
}

/// What a cell of the table means, in words of its own.
struct Expected {
    bool own_home, other_home, other_elsewhere;
};

Expected expected(Reach reach, bool subscriber, bool granted_home, bool granted_all) {
    const bool here = granted_home || granted_all;
    switch (reach) {
        case Reach::never:
            return {false, false, false};
        case Reach::granted:
            return {here, here, granted_all};
        case Reach::own:
            return {subscriber, false, false};
        case Reach::own_if_set:
            return {subscriber, false, false};
        case Reach::domain:
            return {true, true, granted_all};
        case Reach::everywhere:
            return {true, true, true};
    }
    return {};
}

TEST(Rights, every_cell_of_the_table_holds) {
    for (const auto& right : auth::rights()) {
        for (const auto kind : auth::kinds) {
            const auto reach = auth::reach_of(kind, right.permission);
            const std::vector<std::vector<Grant>> cases{
                {}, {{home, right.permission}}, {{"*", right.permission}}};
            for (std::size_t i = 0; i < cases.size(); ++i) {
                SCOPED_TRACE(std::string(right.name) + " by " + std::string(auth::to_string(kind)) +
                             ", grants " + std::to_string(i));
                const auto who = principal(kind, cases[i]);
                const auto want = expected(reach, kind == Kind::subscriber, i == 1, i == 2);
                EXPECT_EQ(who.allows(right.permission, home, own_address), want.own_home);
                EXPECT_EQ(who.allows(right.permission, home, other_address), want.other_home);
                EXPECT_EQ(who.allows(right.permission, elsewhere, other_address), want.other_elsewhere);
            }
        }
    }
}

TEST(Rights, a_grant_is_for_one_permission_in_one_domain) {
    const auto shop = principal(Kind::application, {{elsewhere, Permission::payment_charge}});
    EXPECT_TRUE(shop.allows(Permission::payment_charge, elsewhere));
    EXPECT_FALSE(shop.allows(Permission::payment_charge, home));
    EXPECT_FALSE(shop.allows(Permission::payment_refund, elsewhere));
    EXPECT_TRUE(shop.ever_allows(Permission::payment_charge, other_address));
    EXPECT_FALSE(shop.ever_allows(Permission::payment_refund, other_address));
}

TEST(Rights, whether_there_is_any_address_at_all) {
    for (const auto& right : auth::rights()) {
        for (const auto kind : auth::kinds) {
            SCOPED_TRACE(std::string(right.name) + " by " + std::string(auth::to_string(kind)));
            const auto reach = auth::reach_of(kind, right.permission);
            EXPECT_EQ(principal(kind, {}).ever_allows(right.permission),
                      reach != Reach::never && reach != Reach::granted);
            EXPECT_EQ(principal(kind, {{elsewhere, right.permission}}).ever_allows(right.permission),
                      reach != Reach::never);
        }
    }
    Principal::Data data;
    data.kind = Kind::subscriber;
    EXPECT_FALSE(Principal(data).ever_allows(Permission::account_read));
    data.addresses = {own_address};
    EXPECT_TRUE(Principal(data).ever_allows(Permission::account_read));
    EXPECT_FALSE(Principal(data).ever_allows(Permission::rules_change));
}

TEST(Rights, the_rules_that_the_ledger_states) {
    const auto alice = principal(Kind::subscriber, {});
    EXPECT_TRUE(alice.allows(Permission::account_read, home, own_address));
    EXPECT_TRUE(alice.allows(Permission::account_voucher, home, own_address));
    EXPECT_FALSE(alice.allows(Permission::account_update, home, own_address));
    EXPECT_FALSE(alice.allows(Permission::payment_charge, home, own_address));
    EXPECT_TRUE(alice.allows(Permission::rules_read, home, "sip:alice@example.com"));
    EXPECT_TRUE(alice.allows(Permission::rules_change, home, own_address));
    // Its account does not let its users, whatever was granted.
    EXPECT_FALSE(principal(Kind::subscriber, {{"*", Permission::rules_change}})
                     .allows(Permission::rules_change, home, "sip:alice@example.com"));
    EXPECT_FALSE(alice.ever_allows(Permission::account_read, other_address));
    const auto finance = principal(Kind::finance, {});
    EXPECT_TRUE(finance.allows(Permission::account_read, home));
    EXPECT_FALSE(finance.allows(Permission::account_adjust, home));
}

}  // namespace
