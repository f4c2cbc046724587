// Calls the functions of migrations/*_notifications.sql.
#include "telephony/applications/storage.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace applications {
namespace {

using base::sql::ArrayText;
using base::sql::Params;
using base::sql::Session;

/// Two parallel arrays: accounts and addresses.
void add(Params& params, const std::vector<Watched>& watched) {
    ArrayText accounts, addresses;
    for (const auto& each : watched) {
        accounts.add(each.account);
        addresses.add(each.address);
    }
    params.add(accounts).add(addresses);
}

void add(Params& params, const std::vector<Event>& events) {
    ArrayText names;
    for (const auto event : events) names.add(to_string(event));
    params.add(names);
}

Started started_named(std::string_view name) {
    if (name == "started") return Started::started;
    if (name == "duplicate") return Started::duplicate;
    if (name == "too-many") return Started::too_many;
    if (name == "overlapping") return Started::overlapping;
    throw std::logic_error("notification.start says " + std::string(name));
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::optional<Notification> notification_of(std::string id, const base::sql::Rows& rows) {
    if (rows.empty()) return std::nullopt;
    Notification found;
    found.id = std::move(id);
    found.manner = rows.text(0, 0) == to_string(Manner::ask) ? Manner::ask : Manner::tell;
    found.endpoint = rows.text(0, 1);
    found.correlator = rows.text(0, 2);
    found.manager = {static_cast<int>(rows.integer(0, 3)), static_cast<int>(rows.integer(0, 4))};
    found.login = rows.text(0, 5);
    found.application = rows.text(0, 6);
    found.payers = {std::string(rows.text(0, 7)), lines_of(rows.text(0, 8)), lines_of(rows.text(0, 9))};
    found.screen = {lines_of(rows.text(0, 10)), lines_of(rows.text(0, 11))};
    return found;
}

}  // namespace

boost::asio::awaitable<Started> Storage::start(NewNotification notification) {
    auto params =
        base::sql::params(base::random_hex_id(), notification.principal, to_string(notification.manner),
                          notification.correlator, notification.endpoint, notification.interface_name,
                          notification.manager.major, notification.manager.minor);
    add(params, notification.watched);
    add(params, notification.events);
    params.add(notification.limit).add(notification.calls_by ? "calling" : "called");
    const auto statement = [params = std::move(params)](Session& session) {
        const auto rows = session.exec(
            "select notification.start($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)", params);
        return started_named(rows.text(0, 0));
    };
    co_return co_await database_.run(statement);
}

boost::asio::awaitable<bool> Storage::stop(std::int64_t principal, Manner manner, std::string correlator) {
    auto params = base::sql::params(principal, to_string(manner), correlator);
    const auto statement = [params = std::move(params)](Session& session) {
        return session.exec("select notification.stop($1, $2, $3)", params).boolean(0, 0);
    };
    co_return co_await database_.run(statement);
}

boost::asio::awaitable<std::int64_t> Storage::stop_events(StopEvents stopped) {
    auto params = base::sql::params(stopped.principal, to_string(stopped.manner));
    add(params, stopped.watched);
    add(params, stopped.events);
    const auto statement = [params = std::move(params)](Session& session) {
        return session.exec("select notification.stop_events($1, $2, $3, $4, $5)", params).integer(0, 0);
    };
    co_return co_await database_.run(statement);
}

boost::asio::awaitable<std::optional<Notification>> Storage::find(std::string id) {
    const auto statement = [id = std::move(id)](Session& session) {
        const auto rows = session.exec("select * from notification.find($1)", base::sql::params(id));
        return notification_of(id, rows);
    };
    co_return co_await database_.run(statement);
}

}  // namespace applications
