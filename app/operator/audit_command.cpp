// `ledgerline audit`: proves that the books are what was posted.
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "ledger/audit.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <boost/json/array.hpp>
#include <iostream>
#include <string>

namespace app {
namespace {

/// A line on the terminal that is written over; nothing where standard error is no terminal.
class ProgressLine {
  public:
    void show(std::size_t number, std::size_t count, std::string_view what) const {
        if (!terminal_) return;
        constexpr std::size_t width = 20;
        const auto full = (number - 1) * width / count;
        std::cerr << "\r\x1B[K[" << std::string(full, '#') << std::string(width - full, ' ') << "] " << number
                  << '/' << count << ' ' << what << std::flush;
    }
    ~ProgressLine() {
        if (terminal_) std::cerr << "\r\x1B[K" << std::flush;
    }

  private:
    bool terminal_ = ::isatty(STDERR_FILENO) == 1;
};

void verify(Desk& desk) {
    auto session = desk.long_session();
    ledger::AuditReport report;
    {
        const ProgressLine line;
        report = ledger::verify(session, [&](std::size_t number, std::size_t count, std::string_view what) {
            line.show(number, count, what);
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
