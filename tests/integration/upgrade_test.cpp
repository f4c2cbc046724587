// An upgrade with data in place: every migration since the second one meets a database that was in use.
#include "base/migrate.hpp"
#include "ledger/audit.hpp"
#include "tests/support/ledger_audit.hpp"
#include "tests/support/postgres.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

namespace {

const base::Logger quiet(base::LogLevel::error);

void apply(base::sql::Session& session, std::size_t count) {
    base::migrate(session, base::embedded_migrations().first(count), {{"ledgerline.shards", "16"}}, quiet);
}

bool has_function(base::sql::Session& session, const std::string& name) {
    return session
        .exec(
            "select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            "                where n.nspname || '.' || p.proname = $1)",
            base::sql::params(name))
        .boolean(0, 0);
}

/// An account with money and a charge, as far as the functions of this stage allow.
void use(base::sql::Session& session) {
    if (!has_function(session, "ledger.open_account") || !has_function(session, "ledger.post_batch")) return;
    session.exec("select ledger.create_domain('example.com')");
    session.exec("select ledger.define_balance_type('example.com', 'main', 'EUR', 1)");
    session.exec("select ledger.application_id('shop')");
    const auto account = session.exec(
        "select * from ledger.open_account('example.com',"
        "                                  array['tel:+' || (select count(*) from ledger.account)])");
    const auto shard = account.integer(0, 0);
    const auto id = account.integer(0, 1);
    session.exec("select ledger.open_balance($1, $2, 'main')", base::sql::params(shard, id));
    for (const auto* operation : {"credit", "charge"}) {
        const auto outcome = session.exec(
            "select o_outcome[1] from ledger.post_batch(p_operation => array[$1::ledger.operation],"
            " p_shard => array[$2::smallint], p_account => array[$3::bigint], p_epoch => null, p_balance => "
            "null,"
            " p_amount => array[500::bigint], p_scale => array[2::smallint], p_unit => array['EUR'],"
            " p_application => array[1], p_reference => array['r1'],"
            " p_digest => array['00000000-0000-0000-0000-000000000001'::uuid], p_earlier => null, p_hold => "
            "null,"
            " p_contra => array['revenue'], p_original => null, p_unlinked => null, p_period => null, p_code "
            "=> null,"
            " p_description => null, p_max_amount => 100000, p_hold_ttl => null)",
            base::sql::params(operation, shard, id));
        ASSERT_EQ(outcome.text(0, 0), "posted");
    }
}

/// The journal as the books have it, whatever columns are added later.
std::string journal(base::sql::Session& session) {
    const auto rows = session.exec(
        "select coalesce(string_agg(concat_ws(' ', shard, journal_no, account_id, balance_no, seq, amount, "
        "balance_after,"
        " unit, contra, kind, reference, recorded_at), '|' order by shard, journal_no), '') from "
        "ledger.journal");
    return std::string(rows.text(0, 0));
}

TEST(Upgrade, EveryMigrationMeetsDataThatWasMadeBeforeIt) {
    const auto all = base::embedded_migrations();
    for (std::size_t before = 1; before < all.size(); ++before) {
        SCOPED_TRACE("upgrade from " + std::string(all[before - 1].name));
        const tests::TestDatabase database(false);
        auto session = database.session("postgres");
        apply(session, before);
        use(session);
        const auto before_it = journal(session);
        apply(session, all.size());
        EXPECT_EQ(session.exec("select count(*) from finance.trial_balance where total <> 0").integer(0, 0),
                  0);
        EXPECT_EQ(journal(session), before_it);
        use(session);
        EXPECT_NE(journal(session), before_it);
        EXPECT_EQ(tests::broken_rules(session), "");
    }
}

/// A dump brings the tables, and not what their owner may do in the database that it is restored into.
TEST(Upgrade, ADatabaseThatWasRestoredGoesOnFromThere) {
    constexpr std::size_t before = 12;  // the next one makes a schema
    const tests::TestDatabase database(false);
    auto session = database.session("postgres");
    apply(session, before);
    session.exec("revoke create, temporary on database " + database.name() + " from ledgerline_owner");
    apply(session, base::embedded_migrations().size());
}

/// Migration 23 takes the grants of subscribers away, and gives their accounts the setting instead.
TEST(Upgrade, GrantsOfRulesBecomeTheAccountsSetting) {
    constexpr std::size_t before = 22;
    const tests::TestDatabase database(false);
    auto session = database.session("postgres");
    apply(session, before);
    session.exec_script(R"(
        select ledger.create_domain('example.com');
        select ledger.open_account('example.com', array['tel:+1', 'sip:one@example.com']);
        select ledger.open_account('example.com', array['tel:+2']);
        select ledger.open_account('example.com', array['tel:+3']);
        select auth.create_principal('example.com', 'one', true, 'subscriber', null, array['tel:+1'],
                                     array['example.com'], array['rules.change']);
        select auth.create_principal('example.com', 'two', true, 'subscriber', null, array['tel:+2'],
                                     array['other.org'], array['rules.change']);
        select auth.create_principal('example.com', 'three', true, 'application', null, array[]::text[],
                                     array['example.com'], array['rules.change']);)");
    apply(session, base::embedded_migrations().size());
    const auto rows = session.exec(
        "select string_agg(a.address || ' ' || auth.rules_by_user(a.account_id), ',' order by a.address),"
        " (select string_agg(p.name, ',') from auth.principal_grant g join auth.principal p using "
        "(principal_id)) from ledger.address a");
    EXPECT_EQ(rows.text(0, 0), "sip:one@example.com true,tel:+1 true,tel:+2 false,tel:+3 false");
    EXPECT_EQ(rows.text(0, 1), "three");
}

/// Migration 32 gives splits of before their shares.
TEST(Upgrade, SplitsOfBeforeCanBeRefunded) {
    constexpr std::size_t before = 31;
    const tests::TestDatabase database(false);
    auto session = database.session("postgres");
    apply(session, before);
    session.exec_script(R"(
        select ledger.create_domain('example.com');
        select ledger.define_balance_type('example.com', 'main', 'EUR', 1);
        select ledger.define_balance_type('example.com', 'bonus', 'EUR', 0);
        select ledger.application_id('shop');
        select ledger.open_account('example.com', array['tel:+1']);
        select ledger.open_account('example.com', array['tel:+2']);
        select ledger.open_balance(a.shard, a.account_id, t),
               ledger.set_spending_order(a.shard, a.account_id, true)
          from ledger.account a, unnest(array['main', 'bonus']) t;
        select ledger.post_group('adjustment', a.shard, a.account_id, 1, t, gen_random_uuid(), array[a.shard],
                   array[a.account_id], null, array[t], array[500::bigint], array[2::smallint], array['EUR'],
                   array['adjustment'], null, null, null, 100000)
          from ledger.account a, unnest(array['main', 'bonus']) t;
        select ledger.post_split(1, 's', gen_random_uuid(), array_agg(a.shard), array_agg(a.account_id), null,
                                 array[50, 50], null, 1600, 2::smallint, 'EUR', null, null, 100000)
          from ledger.account a;)");
    apply(session, base::embedded_migrations().size());
    const auto shares = session.exec(
        "select string_agg(concat_ws(' ', r.amount, r.legs, (select string_agg(b.balance_type || l.amount, "
        "'+' "
        "order by l.leg_no) from ledger.request_leg l join ledger.balance b on b.shard = l.leg_shard and "
        "b.account_id = l.account_id and b.balance_no = l.balance_no where l.shard = r.shard and "
        "l.request_id = "
        "r.request_id)), ',') from ledger.request r where r.operation = 'split' and r.account_id <> 0");
    EXPECT_EQ(shares.text(0, 0), "800 2 bonus500+main300,800 2 bonus500+main300");
    const auto refund = session.exec(
        "select string_agg(b.o_outcome[1]::text, ',' order by amount) from ledger.account a,"
        " unnest(array[801, 800]) amount cross join lateral ledger.post_batch("
        "array['refund'::ledger.operation], array[a.shard], array[a.account_id], null, null,"
        " array[amount::bigint], array[2::smallint], null, array[1], array['b'], array[gen_random_uuid()], "
        "null,"
        " null, array['revenue'], array['s'], null, null, null, null, 100000, null) b where a.address = "
        "'tel:+2'");
    EXPECT_EQ(refund.text(0, 0), "posted,beyond_charge");
}

/// Reversals of before migration 12 left nothing but their rows; until migration 28 they did not say what was
/// undone.
TEST(Upgrade, WhatWasUndoneBeforeIsRightToTheAudit) {
    for (const std::size_t before : {10U, 27U}) {
        SCOPED_TRACE(before);
        const tests::TestDatabase database(false);
        auto session = database.session("postgres");
        apply(session, before);
        use(session);
        use(session);
        session.exec_script(R"(
            select ledger.post_group('adjustment', shard, account_id, 1, 'in', gen_random_uuid(),
                       array[shard], array[account_id], null, null, array[200::bigint], array[2::smallint],
                       array['EUR'], array['adjustment'], null, null, null, 100000)
              from ledger.account;
            select ledger.post_split(1, 's', gen_random_uuid(), array_agg(shard), array_agg(account_id),
                                     null, array[50, 50], null, 400, 2::smallint, 'EUR', null, null, 100000)
              from ledger.account;
            select ledger.reverse(ledger.split_shard(1, 's'), 0, 1, 1, 'split', 's', 'undo',
                                  gen_random_uuid(), null, 100000);
            select ledger.reverse(shard, account_id, 1, 1, 'charge', 'r1', 'undo', gen_random_uuid(), null,
                                  100000)
              from ledger.address where address = 'tel:+0';)");
        ASSERT_EQ(session.exec("select from ledger.request where operation = 'reversal'").size(), 2U);
        apply(session, base::embedded_migrations().size());
        const auto audit = [&] {
            const auto report = ledger::verify(session, [](auto, auto, auto) {});
            return report.wrong.value_or("");
        };
        EXPECT_EQ(audit(), "");
        // What nobody has undone is wrong all the same.
        session.exec(
            "update ledger.request r set refunded = amount from ledger.address a"
            " where a.address = 'tel:+1' and r.account_id = a.account_id and r.operation = 'charge'");
        EXPECT_NE(audit().find("given back"), std::string::npos);
    }
}

/// Migration 45 takes from logins what their accounts gave up.
TEST(Upgrade, AddressesThatWereGivenUpAreNoLoginsOwn) {
    constexpr std::size_t before = 44;
    const tests::TestDatabase database(false);
    auto session = database.session("postgres");
    apply(session, before);
    session.exec_script(R"(
        select ledger.create_domain('example.com');
        select ledger.open_account('example.com', array['tel:+1', 'tel:+2', 'tel:+3', 'tel:+4']);
        select auth.create_principal('example.com', 'one', true, 'subscriber', null,
                                     array['tel:+1', 'tel:+2', 'tel:+3', 'tel:+4', 'tel:+5'], null, null);
        select ledger.release_address('tel:+2');
        select ledger.release_address('tel:+3');
        select ledger.release_address('tel:+4');
        select ledger.add_address(shard, account_id, 'tel:+3') from ledger.account;
        select ledger.open_account('example.com', array['tel:+4']);
        select auth.create_principal('example.com', 'two', true, 'subscriber', null, array['tel:+4'],
                                     null, null);)");
    apply(session, base::embedded_migrations().size());
    const auto own = [&] {
        return std::string(
            session
                .exec("select string_agg(name || ' ' || replace(addresses, E'\\n', ','), '; ' order "
                      "by name) from auth.description")
                .text(0, 0));
    };
    EXPECT_EQ(own(), "one tel:+1,tel:+3,tel:+5; two tel:+4");
    // And from then on, whatever way it goes.
    session.exec("select ledger.release_address('tel:+3')");
    EXPECT_EQ(own(), "one tel:+1,tel:+5; two tel:+4");
    session.exec(
        "select ledger.close_account(shard, account_id, ledger.application_id('operator'), '')"
        "  from ledger.address where address = 'tel:+4' and until is null");
    EXPECT_EQ(own(), "one tel:+1,tel:+5; two ");
}

/// Migration 38 tells balances of their accounts while nodes of before it are at work.
TEST(Upgrade, AnAccountThatIsSuspendedMeanwhileIsNotCharged) {
    constexpr std::size_t before = 37;
    const tests::TestDatabase database(false);
    auto session = database.session("postgres");
    apply(session, before);
    use(session);
    auto other = database.session("postgres");
    std::optional<base::sql::Transaction> suspension(other);
    other.exec("select ledger.set_suspended(shard, account_id, true) from ledger.account");
    std::jthread upgrade([&] { apply(session, base::embedded_migrations().size()); });
    auto watch = database.session("postgres");
    const auto held_up = [&] {
        return watch
            .exec(
                "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = "
                "current_database())")
            .boolean(0, 0);
    };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    bool waited = held_up();
    while (!waited && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        waited = held_up();
    }
    suspension->commit();
    upgrade.join();
    EXPECT_TRUE(waited) << "the upgrade does not wait for those who change accounts";
    EXPECT_EQ(tests::broken_rules(watch), "");
}

}  // namespace
