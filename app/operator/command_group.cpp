// The group in CLI11's terms.
#include "app/operator/command_group.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace app {
namespace {

constexpr auto common_options = "Options of every subcommand";

std::string footer(const std::string& words) { return "Example:\n  ledgerline " + words + '\n'; }

/// What was typed, as `NAME=value`, but how the ledger is found.
std::string arguments_of(const CLI::App& command, const std::vector<std::string>& untold) {
    std::string text;
    for (const auto* option : command.get_options()) {
        const auto name = option->get_name(option->get_positional());
        const bool common = option->get_group() == common_options;
        if (option->count() == 0 || common || std::ranges::find(untold, name) != untold.end()) continue;
        for (const auto& value : option->results()) text += (text.empty() ? "" : " ") + name + '=' + value;
    }
    return text;
}

}  // namespace

CommandGroup::CommandGroup(CLI::App& program, CommonOptions& common, Action& action, const std::string& name,
                           const std::string& text, const std::string& example)
    : name_(name), group_(program.add_subcommand(name, text)), common_(&common), action_(&action) {
    group_->require_subcommand(1);
    group_->footer(footer(name + ' ' + example));
}

CLI::App& CommandGroup::add(const std::string& name, const std::string& text, const std::string& example,
                            std::function<void(Desk&)> command) {
    return add_action(name, text, example, [command = std::move(command)](const DeskOptions& options) {
        return at_desk(options, command);
    });
}

CLI::App& CommandGroup::add_for_finance(const std::string& name, const std::string& text,
                                        const std::string& example,
                                        std::function<void(FinanceDesk&)> command) {
    return add_action(name, text, example, [command = std::move(command)](const DeskOptions& options) {
        return at_finance_desk(options, command);
    });
}

CLI::App& CommandGroup::add_action(const std::string& name, const std::string& text,
                                   const std::string& example,
                                   std::function<int(const DeskOptions&)> command) {
    auto* added = group_->add_subcommand(name, text);
    added->footer(footer(name_ + ' ' + name + (example.empty() ? "" : ' ' + example)));
    common_->add_config(*added);
    common_->add_data_dir(*added);
    common_->add_database(*added);
    added->add_flag("--json", *json_, "Print JSON, for programs");
    for (const auto* option : {"--config", "--data-dir", "--database", "--json"}) {
        added->get_option(option)->group(common_options);
    }
    added->callback([common = common_, action = action_, json = json_, command = std::move(command)] {
        *action = [common, json, command] {
            auto settings = common->load();
            if (!settings) return exit_usage;
            DeskOptions options;
            options.data_dir = common->client_data_dir();
            options.settings = std::move(*settings);
            options.json = *json;
            return command(options);
        };
    });
    return *added;
}

CLI::App& CommandGroup::without_subcommand() {
    group_->require_subcommand(0, 1);
    return *group_;
}

CLI::App& CommandGroup::add_act(const std::string& name, const std::string& text, const std::string& example,
                                std::function<void(Desk&)> command, std::vector<std::string> untold) {
    // The command's own options, which are added later, are looked at when it has run.
    auto parsed = std::make_shared<CLI::App*>(nullptr);
    auto act = name_ + '.' + name;
    std::ranges::replace(act, '-', '_');
    auto& added = add(
        name, text, example,
        [parsed, act = std::move(act), command = std::move(command), untold = std::move(untold)](Desk& desk) {
            const auto arguments = arguments_of(**parsed, untold);
            const auto first = arguments.find('=');
            const auto end = arguments.find(' ');
            const auto subject =
                first == std::string::npos ? act : arguments.substr(first + 1, end - first - 1);
            desk.act({act, subject, arguments}, [&] { command(desk); });
        });
    *parsed = &added;
    return added;
}

}  // namespace app
