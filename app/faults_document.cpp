// Writes the tables of faults as a page.
#include "app/faults_document.hpp"

#include "accountmgmt/faults.hpp"
#include "app/operator/refused.hpp"
#include "payment/faults.hpp"

#include <algorithm>

namespace app {
namespace {

std::string cell(const frontend::Told& told) {
    auto text = std::string(told.id);
    if (!told.variable.empty()) text += " `" + std::string(told.variable) + '`';
    return text;
}

std::string row(std::initializer_list<std::string> cells) {
    std::string text = "|";
    for (const auto& one : cells) text += ' ' + one + " |";
    return text + '\n';
}

std::string name(ledger::Refusal refusal) { return '`' + std::string(to_string(refusal)) + '`'; }

std::string meaning(ledger::Refusal refusal) {
    // What a cell can't have, and what only operators are told.
    auto text = std::string(reason_of(refusal));
    text = text.substr(0, text.find("; `ledgerline"));
    return text.substr(0, text.find("; the line above"));
}

std::string payment_rows() {
    auto text = row({"cause", "meaning", "of an amount", "of a volume"}) + row({"---", "---", "---", "---"});
    for (const auto& one : payment::fault_rows())
        text += row({name(one.cause), meaning(one.cause), cell(one.of_amount), cell(one.of_volume)});
    const auto& own = payment::no_amount;
    text += row({'`' + std::string(own.cause) + '`', std::string(own.meaning), cell(own.told), ""});
    return text;
}

std::string account_rows() {
    auto text = row({"cause", "meaning", "fault"}) + row({"---", "---", "---"});
    for (const auto& one : accountmgmt::fault_rows())
        text += row({name(one.cause), meaning(one.cause), cell(one.told)});
    for (const auto& one : accountmgmt::own_fault_rows())
        text += row({"", std::string(one.meaning), cell(one.told)});
    return text;
}

std::string message_ids() {
    auto text = row({"id", "text", "SOAP 1.1 fault code"}) + row({"---", "---", "---"});
    for (const auto& one : soap::message_ids())
        text += row({std::string(one.id), std::string(one.text),
                     one.blame == soap::Blame::client ? "Client" : "Server"});
    return text;
}

}  // namespace

std::string faults_document() {
    return "# Faults\n\n"
           "Made from the tables in payment/, accountmgmt/ and frontend/soap (`ledgerline faults`); a test "
           "holds "
           "this page\nagainst them.\n\n"
           "A fault's `detail` is a ServiceException (SVC) or PolicyException (POL) of the version's common "
           "schema, with\nmessageId, text and variables; here the variable stands behind the id. Its texts "
           "are "
           "below. HTTP status 500;\n503 with Retry-After for `overloaded`, `database-unavailable`, "
           "`bridge-unavailable` and `node-unavailable`\n(`[http] overload_status`), 401 for "
           "`not-authenticated`,\n429 for "
           "`too-many-failures`. With SOAP "
           "1.2 "
           "what the client is to blame for is 400. A refused request changed nothing, and\nits reference is "
           "free; only after `unavailable` is that open: [ask or repeat](requests.md).\n\n"
           "In all services, before their own causes: a part that is missing, unknown, repeated, or no value "
           "of "
           "its type is SVC0002\nwith that part; a value that no enumeration has is SVC0003; no right, or an "
           "address outside one's rights, is POL0001\n`not-allowed`, whether the address exists or not. An "
           "optional part that is empty counts as absent.\n\n"
           "## Payment\n\n" +
           payment_rows() + "\n## Account Management\n\n" + account_rows() +
           "\nThe variable of SVC0251 is the voucher's identifier as it was sent.\n\n## Texts\n\n" +
           message_ids();
}

}  // namespace app
