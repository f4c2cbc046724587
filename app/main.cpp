// The program's entry: subcommands and their options.
#include "app/client_commands.hpp"
#include "app/command_line.hpp"
#include "app/data_dir.hpp"
#include "app/faults_document.hpp"
#include "app/local_client.hpp"
#include "app/node.hpp"
#include "app/operator/commands.hpp"
#include "app/process.hpp"
#include "app/psql.hpp"
#include "app/serve.hpp"
#include "app/settings.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

namespace {

using namespace app;

ServeOptions serve_options(const CommonOptions& common, Settings settings) {
    ServeOptions options;
    options.settings = std::move(settings);
    options.data_dir = common.server_data_dir();
    return options;
}

void add_serve(CLI::App& program, CommonOptions& common, Action& action) {
    auto* command =
        program.add_subcommand("serve", "Serve; without [database] url on an embedded PostgreSQL");
    common.add_config(*command);
    common.add_data_dir(*command);
    common.add_database(*command);
    common.add_setting(*command, "--listen", "server.listen", "Address and port for HTTP");
    common.add_setting(*command, "--sip-listen", "sip.listen", "Address and port for SIP");
    common.add_setting(*command, "--log-format", "log.format", "json or text");
    common.add_setting(*command, "--log-level", "log.level", "debug, info, warning or error");
    auto demo = std::make_shared<bool>(false);
    command->add_flag("--demo", *demo, "Load demo users and accounts (loopback only)");
    command->callback([&common, &action, demo] {
        action = [&common, demo] {
            auto settings = common.load();
            if (!settings) return exit_usage;
            auto options = serve_options(common, std::move(*settings));
            options.demo = *demo;
            return serve(options);
        };
    });
}

void add_migrate(CLI::App& program, CommonOptions& common, Action& action) {
    auto* command =
        program.add_subcommand("migrate", "Bring the database up to this program's schema and end");
    common.add_config(*command);
    common.add_data_dir(*command);
    common.add_database(*command);
    const auto distributed = std::make_shared<std::string>();
    command
        ->add_option("--distributed", *distributed,
                     "citus: also spread the tables over the Citus cluster whose coordinator the database is")
        ->check(CLI::IsMember({"citus"}));
    command->callback([&, distributed] {
        action = [&common, distributed] {
            auto settings = common.load();
            if (!settings) return exit_usage;
            return migrate(serve_options(common, std::move(*settings)), !distributed->empty());
        };
    });
}

void add_psql(CLI::App& program, CommonOptions& common, Action& action) {
    auto* command = program.add_subcommand("psql", "Look at the books: psql as finance staff, read only");
    common.add_config(*command);
    common.add_data_dir(*command);
    common.add_database(*command);
    auto arguments = std::make_shared<std::vector<std::string>>();
    command->add_option("PSQL-ARGS", *arguments, "After --: handed to psql");
    command->callback([&common, &action, arguments] {
        action = [&common, arguments] {
            auto settings = common.load();
            if (!settings) return exit_usage;
            PsqlOptions options;
            options.data_dir = common.client_data_dir();
            options.settings = std::move(*settings);
            options.arguments = *arguments;
            run_psql(options);
        };
    });
}

void add_check_config(CLI::App& program, CommonOptions& common, Action& action) {
    auto* command = program.add_subcommand("check-config", "Name every mistake in the settings");
    common.add_config(*command);
    auto defaults = std::make_shared<bool>(false);
    command->add_flag("--defaults", *defaults, "Print a settings file with every default instead");
    command->callback([&common, &action, defaults] {
        action = [&common, defaults] {
            if (*defaults) {
                std::cout << default_settings_file();
                return 0;
            }
            const auto settings = common.load();
            if (!settings) return exit_refused;
            const auto mistakes = file_mistakes(*settings);
            for (const auto& mistake : mistakes) std::cerr << mistake << '\n';
            if (!mistakes.empty()) return exit_refused;
            std::cout << "No mistakes.\n";
            return 0;
        };
    });
}

void add_bench(CLI::App& program, Action& action) {
    auto* command = program.add_subcommand("bench", "Measure this machine, once scripts/bench has built it");
    auto arguments = std::make_shared<std::vector<std::string>>();
    command->add_option("BENCH-ARGS", *arguments, "After --: handed to the benchmark, e.g. -- --help");
    command->callback([&action, arguments] {
        action = [arguments]() -> int {
            const auto bench = own_path().parent_path() / "bench" / "ledgerline_bench";
            if (!std::filesystem::exists(bench))
                throw PlainError("the benchmark is not built: scripts/bench builds and runs it");
            auto words = *arguments;
            words.insert(words.begin(), bench.string());
            become(bench.string(), std::move(words));
        };
    });
}

void add_faults(CLI::App& program, Action& action) {
    auto* command = program.add_subcommand("faults", "Print which cause gives which SOAP fault");
    command->callback([&action] {
        action = [] {
            std::cout << faults_document();
            return 0;
        };
    });
}

/// What is wrong where a subcommand was to stand: CLI11 misses one before it minds a word that it does not
/// know.
std::optional<std::string> unknown_subcommand(const CLI::App& program) {
    std::string words = "ledgerline";
    const auto* command = &program;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().front();
        words += ' ' + command->get_name();
    }
    const auto unknown = command->remaining();
    if (command->get_require_subcommand_min() == 0 || unknown.empty()) return std::nullopt;
    return "there is no subcommand '" + unknown.front() + "'; see " + words + " --help";
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App program("ledgerline: a billing ledger that speaks Parlay X");
    program.set_version_flag("--version", LEDGERLINE_VERSION);
    program.require_subcommand(1);
    CommonOptions common;
    Action action;
    add_serve(program, common, action);
    add_migrate(program, common, action);
    add_payment_commands(program, common, action);
    add_account_clients(program, common, action);
    add_call_commands(program, common, action);
    add_account_commands(program, common, action);
    add_audit_commands(program, common, action);
    add_balance_commands(program, common, action);
    add_export_commands(program, common, action);
    add_hold_commands(program, common, action);
    add_period_commands(program, common, action);
    add_rule_commands(program, common, action);
    add_tariff_commands(program, common, action);
    add_user_commands(program, common, action);
    add_voucher_commands(program, common, action);
    add_psql(program, common, action);
    add_check_config(program, common, action);
    add_bench(program, action);
    add_faults(program, action);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (const auto complaint = unknown_subcommand(program)) {
            std::cerr << "ledgerline: " << *complaint << '\n';
            return exit_usage;
        }
        return program.exit(error) == 0 ? 0 : exit_usage;
    }
    try {
        const int status = action();
        if (!std::cout.flush()) throw PlainError("what this has to say can't be written to standard output");
        return status;
    } catch (const PlainError& error) {
        std::cerr << "ledgerline: " << error.what() << '\n';
    } catch (const std::exception& error) {
        std::cerr << "ledgerline: unexpected: " << error.what() << '\n';
    }
    return exit_usage;
}
