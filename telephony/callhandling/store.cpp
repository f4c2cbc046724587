// Elements as rows, in their order, and back.
#include "telephony/callhandling/store.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace callhandling {
namespace {

using Text = std::optional<std::string>;

constexpr std::string_view accept = "accept", block = "block", forward_list = "forward-list",
                           forward = "forward";

struct Columns {
    base::sql::ArrayText list, calling, forwarding, on_busy, on_no_answer;

    void add(std::string_view name, const Text& caller, const UnconditionalForward& to) {
        list.add(name);
        calling.add(caller);
        forwarding.add(to.forwarding);
        on_busy.add(to.on_busy);
        on_no_answer.add(to.on_no_answer);
    }
};

}  // namespace

void write(base::sql::Session& session, std::vector<rules::Owner> owners, const CallHandlingRules& given,
           const std::vector<rules::Rule>& meaning) {
    Columns columns;
    for (const auto& address : given.accept_list) columns.add(accept, address, {});
    for (const auto& address : given.block_list) columns.add(block, address, {});
    for (const auto& element : given.forward_list)
        columns.add(forward_list, element.calling,
                    {element.forwarding, element.on_busy, element.on_no_answer});
    if (given.forward) columns.add(forward, {}, *given.forward);
    // Whoever writes several accounts locks them in one order.
    std::ranges::sort(owners, {}, &rules::Owner::account);
    base::sql::Transaction transaction(session);
    for (const auto& owner : owners) {
        rules::replace(session, owner, rules::Origin::call_handling, meaning);
        session.exec("select rules.write_call_handling($1, $2, $3, $4, $5, $6)",
                     base::sql::params(owner.account, columns.list, columns.calling, columns.forwarding,
                                       columns.on_busy, columns.on_no_answer));
    }
    transaction.commit();
}

CallHandlingRules read(base::sql::Session& session, std::int64_t account) {
    const auto rows = session.exec(
        "select list, calling, forwarding, on_busy, on_no_answer from rules.read_call_handling($1)",
        base::sql::params(account));
    CallHandlingRules given;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto list = rows.text(row, 0);
        auto calling = rows.optional_text(row, 1).value_or("");
        UnconditionalForward to{rows.optional_text(row, 2), rows.optional_text(row, 3),
                                rows.optional_text(row, 4)};
        if (list == accept)
            given.accept_list.push_back(std::move(calling));
        else if (list == block)
            given.block_list.push_back(std::move(calling));
        else if (list == forward)
            given.forward = std::move(to);
        else
            given.forward_list.push_back({std::move(calling), std::move(to.forwarding), std::move(to.on_busy),
                                          std::move(to.on_no_answer)});
    }
    return given;
}

}  // namespace callhandling
