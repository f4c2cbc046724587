// A subcommand with subcommands of its own that find the ledger and speak in the same way.
#pragma once

#include "app/command_line.hpp"
#include "app/operator/desk.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace app {

class CommandGroup {
  public:
    /// `common` and `action` outlive the program's parsing and acting. `example` is a subcommand with its
    /// arguments.
    CommandGroup(CLI::App& program, CommonOptions& common, Action& action, const std::string& name,
                 const std::string& text, const std::string& example);

    /// One subcommand, to which the caller adds its arguments. `example`: those arguments, as one would type
    /// them.
    CLI::App& add(const std::string& name, const std::string& text, const std::string& example,
                  std::function<void(Desk&)> command);
    /// The same for one that only reads, as finance staff.
    CLI::App& add_for_finance(const std::string& name, const std::string& text, const std::string& example,
                              std::function<void(FinanceDesk&)> command);

    /// The same for a command that changes something: it is one transaction, and the trail tells of it in
    /// the same one, with the arguments. Those named in `untold` are left out.
    CLI::App& add_act(const std::string& name, const std::string& text, const std::string& example,
                      std::function<void(Desk&)> command, std::vector<std::string> untold = {});

    /// The group itself, for what it does without a subcommand.
    CLI::App& without_subcommand();

  private:
    CLI::App& add_action(const std::string& name, const std::string& text, const std::string& example,
                         std::function<int(const DeskOptions&)> command);

    std::string name_;
    CLI::App* group_;
    CommonOptions* common_;
    Action* action_;
    std::shared_ptr<bool> json_ = std::make_shared<bool>(false);
};

}  // namespace app
