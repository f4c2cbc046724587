// Reads and writes ledger.binding.
#include "telephony/calls/locations.hpp"

#include "base/sql.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

namespace calls {
namespace {

namespace sql = base::sql;

// What ledger.register says with SQLSTATEs of its own.
constexpr std::string_view out_of_order = "LR001";
constexpr std::string_view too_many = "LR002";

constexpr auto left_statement = "select flow from ledger.left_flows($1, $2, $3::jsonb, $4, $5)";
constexpr auto register_statement =
    "select contact, q, seconds from ledger.register($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10)";

/// Of two nodes, at most.
constexpr std::chrono::seconds clocks_differ{300};

std::string contacts_json(const IncomingRegister& request) {
    std::string list = "[";
    for (const auto& contact : request.contacts) {
        const auto expires = contact.expires.value_or(request.expires.value_or(std::chrono::seconds(0)));
        list += list.size() > 1 ? "," : "";
        list += "{\"contact\":" + base::json_quoted(contact.uri) + ",\"q\":" + std::to_string(contact.q) +
                ",\"seconds\":" + std::to_string(expires.count()) + '}';
    }
    return list + ']';
}

}  // namespace

Locations::Locations(Recorder node, FlowRoutes routes, base::Database& database,
                     boost::asio::any_io_executor executor, std::size_t capacity, base::Logger log)
    : node_(std::move(node)),
      routes_(routes),
      database_(database),
      executor_(std::move(executor)),
      capacity_(capacity),
      log_(std::move(log)) {}

void Locations::give(std::int64_t account, const AccountPtr& known) {
    const auto found = waiting_.find(account);
    if (found == waiting_.end()) return;
    const auto waiting = std::move(found->second);
    waiting_.erase(found);
    std::optional<Whereabouts> whereabouts;
    if (known) {
        whereabouts.emplace();
        whereabouts->disabled = known->disabled;
        for (const auto& each : known->contacts) {
            if (each.expires > Clock::now()) whereabouts->contacts.push_back(each.contact);
        }
    }
    for (const auto& each : waiting) each(whereabouts);
}

void Locations::find(std::int64_t account, Found found) {
    AccountPtr known;
    {
        const std::lock_guard lock(mutex_);
        const auto entry = known_.find(account);
        if (entry != known_.end()) known = entry->second;
    }
    auto& waiting = waiting_[account];
    waiting.push_back(std::move(found));
    if (known) return give(account, known);
    if (waiting.size() == 1) boost::asio::co_spawn(executor_, load(account), boost::asio::detached);
}

Locations::Account Locations::read(const sql::Rows& rows) const {
    Account result;
    const auto wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        auto& entry = result.contacts.emplace_back();
        entry.contact.uri = rows.text(row, 0);
        entry.contact.route = rows.text(row, 1);
        const auto flow = static_cast<std::uint64_t>(rows.integer(row, 3));
        const std::string node(rows.text(row, 2));
        const std::chrono::seconds valid(rows.integer(row, 5));
        if (node == node_.node)
            entry.contact.flow = flow;
        else if (flow != 0)
            entry.contact.route = routes_.route(node, flow, entry.contact.uri, wall + valid + clocks_differ);
        entry.contact.q = static_cast<int>(rows.integer(row, 4));
        entry.expires = Clock::now() + valid;
    }
    return result;
}

boost::asio::awaitable<void> Locations::load(std::int64_t account) {
    std::uint64_t read_in = 0;
    {
        const std::lock_guard lock(mutex_);
        read_in = forgotten_;
    }
    AccountPtr known;
    try {
        const auto work = [this, account](sql::Session& session) {
            const auto parameters = sql::params(account);
            auto found = read(session.exec(
                "select contact, path, node, flow, q, seconds from ledger.bindings($1)", parameters));
            // Who is disabled has none.
            found.disabled = found.contacts.empty() &&
                             session.exec("select auth.is_disabled($1)", parameters).boolean(0, 0);
            return found;
        };
        known = std::make_shared<const Account>(co_await database_.run(work));
    } catch (const std::exception& error) {
        log_.error("contacts of an account can't be read", {{"account", account}, {"error", error.what()}});
    }
    if (known) {
        const std::lock_guard lock(mutex_);
        if (known_.size() >= capacity_) known_.clear();
        if (read_in == forgotten_) known_.insert_or_assign(account, known);
    }
    give(account, known);
}

boost::asio::awaitable<Locations::Update> Locations::update(std::int64_t account, IncomingRegister request,
                                                            std::size_t contacts_max) {
    Update result;
    try {
        const auto flow = static_cast<std::int64_t>(request.flow);
        const auto contacts = contacts_json(request);
        const auto parameters = sql::params(
            account, request.address, request.call_id, std::int64_t{request.cseq}, contacts,
            request.every_contact, request.path, node_.node, flow, static_cast<std::int64_t>(contacts_max));
        const auto client = sql::params(account, request.call_id, contacts, node_.node, flow);
        const auto work = [parameters, client, flow](sql::Session& session) {
            std::vector<std::uint64_t> left;
            if (flow != 0) {
                const auto flows = session.exec(left_statement, client);
                for (std::size_t row = 0; row < flows.size(); ++row)
                    left.push_back(static_cast<std::uint64_t>(flows.integer(row, 0)));
            }
            return std::pair(std::move(left), session.exec(register_statement, parameters));
        };
        auto [left, rows] = co_await database_.run(work);
        result.left = std::move(left);
        for (std::size_t row = 0; row < rows.size(); ++row) {
            result.bindings.push_back({std::string(rows.text(row, 0)), static_cast<int>(rows.integer(row, 1)),
                                       rows.integer(row, 2)});
        }
        // The notification comes later than the answer that the client acts upon.
        forget(std::to_string(account));
    } catch (const sql::Error& error) {
        result.refusal = Refusal::unavailable;
        if (error.sqlstate() == out_of_order) result.refusal = Refusal::out_of_order;
        if (error.sqlstate() == too_many) result.refusal = Refusal::too_many;
        if (result.refusal == Refusal::unavailable)
            log_.error("a registration can't be written", {{"error", error.what()}});
    } catch (const std::exception& error) {
        log_.error("a registration can't be written", {{"error", error.what()}});
        result.refusal = Refusal::unavailable;
    }
    co_return result;
}

void Locations::forget(std::string_view payload) {
    const std::lock_guard lock(mutex_);
    ++forgotten_;
    std::int64_t account = 0;
    const auto [end, error] = std::from_chars(payload.data(), payload.data() + payload.size(), account);
    if (error == std::errc() && end == payload.data() + payload.size())
        known_.erase(account);
    else
        known_.clear();
}

}  // namespace calls
