// `ledgerline user`: who may send requests. Passwords come from a terminal or a file, never from arguments.
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/limit_command.hpp"
#include "app/secret_input.hpp"
#include "frontend/auth/operations.hpp"
#include "frontend/auth/password.hpp"
#include "ledger/address.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace app {
namespace {

struct Arguments {
    std::string login, kind = "application", permission, domain, file, fingerprint, address;
    std::vector<std::string> addresses;
    bool remove = false;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

/// The first line of the file, or typed twice.
std::string read_password(const std::string& file) {
    std::string password;
    if (file.empty()) {
        const std::string otherwise = "without a terminal, --password-file is needed";
        password = ask_secret("Password: ", otherwise);
        if (ask_secret("Again: ", otherwise) != password)
            throw PlainError("the two passwords differ; nothing was changed");
    } else {
        password = secret_in(file, "a password");
    }
    try {
        auth::check_password(password);
    } catch (const auth::UserError& error) {
        throw PlainError(error.what());
    }
    return password;
}

auth::Permission permission_of(const std::string& name) {
    const auto permission = auth::permission_named(name);
    if (permission) return *permission;
    std::string known;
    for (const auto& right : auth::rights()) known += (known.empty() ? "" : ", ") + std::string(right.name);
    throw PlainError("'" + name + "' is no permission; there are: " + known);
}

void add(Desk& desk, const Arguments& arguments) {
    const auto kind = auth::kind_named(arguments.kind);
    if (!kind) {
        std::string known;
        for (const auto each : auth::kinds)
            known += (known.empty() ? "" : ", ") + std::string(auth::to_string(each));
        throw PlainError("'" + arguments.kind + "' is no kind of user; there are: " + known);
    }
    auth::NewUser user;
    user.login = arguments.login;
    user.kind = *kind;
    for (const auto& address : arguments.addresses) user.addresses.push_back(ledger::normal_address(address));
    auto password = read_password(arguments.file);
    desk.users([&](auth::Users& users) {
        if (!users.create(user, password))
            throw auth::UserError("there is a user '" + user.login + "' already");
    });
    auth::wipe(password);
    desk.out().done("Added " + arguments.login + ", " + arguments.kind + '.');
}

void set_password(Desk& desk, const Arguments& arguments) {
    auto password = read_password(arguments.file);
    desk.users([&](auth::Users& users) { users.set_password(arguments.login, password); });
    auth::wipe(password);
    desk.out().done("Changed the password of " + arguments.login + '.');
}

void set_secret(Desk& desk, const Arguments& arguments) {
    std::optional<std::string> sealed;
    if (!arguments.remove) {
        auto secret = read_password(arguments.file);
        sealed = desk.secret_box().seal(secret);
        auth::wipe(secret);
    }
    desk.users([&](auth::Users& users) { users.set_secret(arguments.login, sealed); });
    desk.out().done((arguments.remove ? "Took away the secret of " : "Set the secret of ") + arguments.login +
                    '.');
}

void certificate(Desk& desk, const Arguments& arguments) {
    desk.users([&](auth::Users& users) {
        if (arguments.remove)
            users.remove_certificate(arguments.login, arguments.fingerprint);
        else
            users.add_certificate(arguments.login, arguments.fingerprint);
    });
    desk.out().done((arguments.remove ? "Took the certificate from " : "Gave the certificate to ") +
                    arguments.login + '.');
}

void set_address(Desk& desk, const Arguments& arguments) {
    const auto address = ledger::normal_address(arguments.address);
    desk.users([&](auth::Users& users) {
        if (arguments.remove)
            users.remove_address(arguments.login, address);
        else
            users.add_address(arguments.login, address);
    });
    desk.out().done(address + (arguments.remove ? " is no address of " : " is an address of ") +
                    arguments.login + (arguments.remove ? " any more." : " now."));
}

void set_enabled(Desk& desk, const Arguments& arguments, bool enabled) {
    desk.users([&](auth::Users& users) { users.set_enabled(arguments.login, enabled); });
    desk.out().done((enabled ? "Enabled " : "Disabled ") + arguments.login + '.');
}

void grant(Desk& desk, const Arguments& arguments, bool give) {
    const auth::Grant what{arguments.domain, permission_of(arguments.permission)};
    const auto there = auth::parse_login("somebody", arguments.domain);  // the domain in its normal form
    if (give && there && there->domain != "*") desk.refuse_unknown_domain(there->domain);
    desk.users([&](auth::Users& users) {
        if (give)
            users.add_grant(arguments.login, what);
        else
            users.revoke_grant(arguments.login, what);
    });
    desk.out().done((give ? "Granted " : "Revoked ") + arguments.permission + " in " + arguments.domain +
                    (give ? " to " : " from ") + arguments.login + '.');
}

void list(Desk& desk) {
    const std::vector<Column> columns{
        {.name = "login", .source = "name || '@' || domain"},
        {.name = "kind"},
        {.name = "enabled", .kind = Column::Kind::flag},
        {.name = "application"},
        {.name = "addresses", .source = "replace(addresses, E'\\n', ', ')"},
        {.name = "grants", .source = "replace(grants, E'\\n', ', ')"},
    };
    desk.out().list(desk.table(columns, "from auth.description order by domain, name"), "No users.");
}

void add_credentials(CommandGroup& group, const ArgumentsPtr& arguments) {
    const auto file = [&](CLI::App& command, const char* text) {
        command.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
        return command.add_option("--password-file", arguments->file, text);
    };
    constexpr auto first_line = "File whose first line it is (default: asked on the terminal)";
    auto& adding = group.add("add", "Add a user", "alice --kind subscriber --address tel:+15550001",
                             [arguments](Desk& desk) { add(desk, *arguments); });
    file(adding, first_line);
    adding
        .add_option("--kind", arguments->kind, "application, subscriber, administrator, finance or operator")
        ->capture_default_str();
    adding.add_option("--address", arguments->addresses, "A subscriber's own address; may be repeated")
        ->allow_extra_args(false);  // what follows may be LOGIN
    file(group.add("passwd", "Change a password", "alice",
                   [arguments](Desk& desk) { set_password(desk, *arguments); }),
         first_line);
    auto& secret = group.add("secret", "Set the secret for Digest, PasswordDigest, spPassword and SIP",
                             "alice", [arguments](Desk& desk) { set_secret(desk, *arguments); });
    file(secret, first_line);
    secret.add_flag("--remove", arguments->remove, "Take it away");
    auto& certifying = group.add("certificate", "Map a TLS client certificate to a user", "shop 5E:0F:…",
                                 [arguments](Desk& desk) { certificate(desk, *arguments); });
    certifying.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
    certifying.add_option("SHA256", arguments->fingerprint, "As openssl x509 -fingerprint -sha256 shows it")
        ->required();
    certifying.add_flag("--remove", arguments->remove, "Take it away");
    auto& addressing = group.add("address", "Give a subscriber an address of its own", "alice tel:+15550001",
                                 [arguments](Desk& desk) { set_address(desk, *arguments); });
    addressing.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
    addressing.add_option("ADDRESS", arguments->address, "An address of the subscriber's account")
        ->required();
    addressing.add_flag("--remove", arguments->remove, "Take it away");
}

}  // namespace

void add_user_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "user", "Manage users, their credentials and grants",
                       "grant shop payment.charge example.com");
    const auto arguments = std::make_shared<Arguments>();
    add_credentials(group, arguments);
    for (const bool on : {true, false}) {
        auto& command =
            group.add(on ? "enable" : "disable", on ? "Let a user in again" : "Let a user in no more",
                      "alice", [arguments, on](Desk& desk) { set_enabled(desk, *arguments, on); });
        command.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
        auto& granting = group.add(on ? "grant" : "revoke", on ? "Grant a permission" : "Take a grant away",
                                   "shop payment.charge example.com",
                                   [arguments, on](Desk& desk) { grant(desk, *arguments, on); });
        granting.add_option("LOGIN", arguments->login, "NAME or NAME@DOMAIN")->required();
        granting.add_option("PERMISSION", arguments->permission, "`ledgerline user rights` lists them")
            ->required();
        granting.add_option("DOMAIN", arguments->domain, "'*' means every domain")->required();
    }
    add_limit_command(group);
    group.add("list", "List users", "", [](Desk& desk) { list(desk); });
    // Needs no database: it prints what the program is made of.
    auto* rights = program.get_subcommand("user")->add_subcommand(
        "rights", "Print the tables of permissions and operations (docs/rights.md)");
    rights->footer("Example:\n  ledgerline user rights\n");
    rights->callback([&action] {
        action = [] {
            std::cout << auth::rights_document();
            return 0;
        };
    });
}

}  // namespace app
