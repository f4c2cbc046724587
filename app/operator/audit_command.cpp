// `ledgerline audit`: proves that the books are what was posted.
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/progress.hpp"
#include "ledger/audit.hpp"

#include <CLI/CLI.hpp>

#include <boost/json/array.hpp>
#include <cstdint>
#include <iostream>
#include <string>

namespace app {
namespace {

void verify(Desk& desk) {
    desk.refuse_on_cluster("audit verify");
    auto session = desk.long_session();
    ledger::AuditReport report;
    {
        Progress progress;
        report = ledger::verify(session, [&](std::size_t number, std::size_t count, std::string_view what) {
            progress.show(static_cast<std::int64_t>(number) - 1, static_cast<std::int64_t>(count), what);
        });
    }
    if (report.wrong) {
        // The finding is the command's result: it goes where results go.
        std::cout << "WRONG: " << printable(*report.wrong) << '\n';
        throw Refused("wrong", "the books do not agree; the line above shows the first wrong row");
    }
    boost::json::array checked;
    std::string text = "As of " + report.as_of + ":\n";
    for (const auto& sentence : report.agree) {
        checked.emplace_back(sentence);
        text += "  " + sentence + '\n';
    }
    desk.out().report(text + "Everything agrees.",
                      {{"as_of", report.as_of}, {"checked", std::move(checked)}});
}

}  // namespace

void add_audit_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "audit", "Prove that the books are what was posted",
                       "verify");
    group.add("verify", "Compare journal, seals, balances, contra totals, requests and holds", "",
              [](Desk& desk) { verify(desk); });
}

}  // namespace app
