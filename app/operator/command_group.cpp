// The group in CLI11's terms.
#include "app/operator/command_group.hpp"

#include <CLI/CLI.hpp>

#include <utility>

namespace app {
namespace {

std::string footer(const std::string& words) { return "Example:\n  ledgerline " + words + '\n'; }

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
        added->get_option(option)->group("Options of every subcommand");
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

}  // namespace app
