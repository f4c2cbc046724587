// Demo users through auth, demo accounts through the ledger's own functions.
#include "app/demo.hpp"

#include "frontend/auth/directory.hpp"
#include "frontend/auth/password.hpp"
#include "frontend/auth/users.hpp"

namespace app {
namespace {

constexpr auto domain = "example.com";

/// tel:+15550001 … tel:+15550100 with their balances; the first two have SIP addresses too. One transaction:
/// an account is there with its funds or not at all. The funds are ordinary credits, so that the books
/// balance.
constexpr auto accounts = R"(
DO $$
DECLARE
    v_application constant integer := ledger.application_id('demo');
    v_people constant text[] := array['sip:alice@example.com', 'sip:bob@example.com'];
    v_tel text; v_shard smallint; v_account bigint; v_outcomes ledger.outcome[];
BEGIN
    PERFORM ledger.create_domain('example.com');
    PERFORM ledger.define_balance_type('example.com', 'bonus', 'EUR', 10);
    PERFORM ledger.define_balance_type('example.com', 'main', 'EUR', 20);
    PERFORM ledger.define_balance_type('example.com', 'data', 'bytes', 30);
    -- The accounts fall on all shards: taken in the order in which everybody takes them.
    PERFORM FROM ledger.shard ORDER BY shard FOR UPDATE;
    FOR n IN 1..100 LOOP
        v_tel := 'tel:+1555' || lpad(n::text, 4, '0');
        CONTINUE WHEN EXISTS (SELECT FROM ledger.address a WHERE a.address = v_tel AND a.until IS NULL);
        SELECT o_shard, o_account INTO v_shard, v_account
          FROM ledger.open_account('example.com', array_remove(array[v_tel, v_people[n]], NULL));
        PERFORM ledger.open_balance(v_shard, v_account, t)
           FROM unnest(array['main', 'bonus', 'data']) WITH ORDINALITY u(t, position) ORDER BY position;
        SELECT o_outcome INTO v_outcomes
          FROM ledger.post_batch(
               p_operation => array_fill('credit'::ledger.operation, array[3]),
               p_shard => array_fill(v_shard, array[3]),
               p_account => array_fill(v_account, array[3]),
               p_epoch => NULL,
               p_balance => array['main', 'bonus', 'data'],
               p_amount => array[100, 10, 1000000000],
               p_scale => array_fill(0::smallint, array[3]),
               p_unit => array['EUR', 'EUR', 'bytes'],
               p_application => array_fill(v_application, array[3]),
               p_reference => array['demo-main', 'demo-bonus', 'demo-data'],
               p_digest => array_fill(md5('demo')::uuid, array[3]),
               p_earlier => NULL, p_hold => NULL,
               p_contra => array_fill('funding'::text, array[3]),
               p_original => NULL, p_unlinked => NULL, p_period => NULL, p_code => NULL,
               p_description => array_fill('demo data'::text, array[3]),
               p_max_amount => 1000000000000000,
               p_hold_ttl => interval '1 hour');
        IF v_outcomes <> array_fill('posted'::ledger.outcome, array[3]) THEN
            RAISE EXCEPTION 'demo credits of % were refused: %', v_tel, v_outcomes;
        END IF;
    END LOOP;
END $$;
)";

/// What sets alice apart from bob.
constexpr auto rules_by_user =
    "select auth.set_rules_by_user(a.account_id, true) from ledger.address a"
    " where a.address = 'sip:alice@example.com' and a.until is null";

auth::NewUser user(std::string login, auth::Kind kind) {
    auth::NewUser result;
    result.login = std::move(login);
    result.kind = kind;
    return result;
}

std::vector<auth::NewUser> users() {
    auto app = user("demo-app@example.com", auth::Kind::application);
    for (const auto& right : auth::rights()) {
        if (auth::reach_of(auth::Kind::application, right.permission) == auth::Reach::granted) {
            app.grants.push_back({domain, right.permission});
        }
    }
    auto alice = user("alice@example.com", auth::Kind::subscriber);
    alice.addresses = {"tel:+15550001", "sip:alice@example.com"};
    alice.grants = {{domain, auth::Permission::call_outside}};
    auto bob = user("bob@example.com", auth::Kind::subscriber);
    bob.addresses = {"tel:+15550002", "sip:bob@example.com"};
    return {app, alice, bob, user("admin@example.com", auth::Kind::administrator),
            user("finance@example.com", auth::Kind::finance)};
}

}  // namespace

void load_demo_data(base::sql::Session& owner, const std::string& default_domain,
                    const auth::SecretBox& box) {
    owner.exec_script(accounts);
    auth::Users store(owner, default_domain);
    for (const auto& user : users()) {
        const auto name = user.login.substr(0, user.login.find('@'));  // the password is the name
        const bool made = store.create(user, name);
        const bool has_secret = user.kind == auth::Kind::application || user.kind == auth::Kind::subscriber;
        if (made && has_secret) store.set_secret(user.login, box.seal(name));
        if (made && name == "alice") owner.exec(rules_by_user);
    }
}

std::vector<std::string> users_with_known_passwords(base::sql::Session& session, const auth::SecretBox& box) {
    std::vector<std::string> found;
    for (const auto& user : users()) {
        const auto name = user.login.substr(0, user.login.find('@'));
        const auto stored = auth::find_principal(session, {name, domain});
        if (!stored || !stored->enabled) continue;
        const auto& hash = stored->password_hash;
        const bool known_password = !hash.empty() && auth::verify_password(hash, name);
        const bool known_secret = !stored->secret.empty() && box.open(stored->secret) == name;
        if (known_password || known_secret) found.push_back(user.login);
    }
    return found;
}

std::string demo_summary() {
    return "Demo users (the password is the name): demo-app, an application with all grants;\n"
           "alice and bob, subscribers; admin; finance.\n"
           "Demo accounts tel:+15550001 to tel:+15550100, each with the balances main (EUR 100.00),\n"
           "bonus (EUR 10.00) and data (1,000,000,000 bytes).\n";
}

}  // namespace app
