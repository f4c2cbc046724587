// The operator's desk: the ledger without a server in between, for one command.
#pragma once

#include "app/operator/printer.hpp"
#include "app/settings.hpp"
#include "base/database.hpp"
#include "frontend/auth/secrets.hpp"
#include "frontend/auth/users.hpp"
#include "ledger/ledger.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Under this name the operator posts.
constexpr auto operator_application = "operator";

/// Where a command finds the ledger, and how it speaks.
struct DeskOptions {
    std::filesystem::path data_dir;
    Settings settings;
    bool json = false;
};

/// What the trail says about something that was done.
struct Act {
    std::string name;     ///< e.g. balance.credit
    std::string subject;  ///< whom or what it was done to
    std::string details;
};

/// Works on the database, beside servers and other desks; blocking. What the ledger refuses is thrown as
/// Refused, what nobody could be asked as PlainError or base::sql::Error.
class Desk {
  public:
    /// Connects as the service does. Throws.
    explicit Desk(const DeskOptions& options);

    [[nodiscard]] const Printer& out() const { return out_; }
    [[nodiscard]] ledger::Ledger& ledger() { return *ledger_; }
    /// For commands whose statements Citus does not plan. Throws Refused where the ledger is spread.
    void refuse_on_cluster(const std::string& command) const;
    /// Minor units that one request may move.
    [[nodiscard]] std::int64_t max_amount() const { return max_amount_; }

    /// The account that has this address now, in whatever spelling.
    ledger::AccountPtr account(const std::string& address);

    /// Waits for an operation of the ledger. T: what these operations give.
    template <class T>
    T run(boost::asio::awaitable<ledger::Result<T>> operation);

    /// Users, with the trail naming who works here; and the key that their secrets are sealed with.
    void users(const std::function<void(auth::Users&)>& work);
    /// Throws Refused.
    void refuse_unknown_domain(const std::string& domain);
    [[nodiscard]] auth::SecretBox secret_box() const;
    /// Of logins that name none.
    [[nodiscard]] const std::string& default_domain() const { return default_domain_; }
    /// Does `work` and adds the act to the trail, in one transaction: both or neither. What the work has to
    /// say is said when they are in the books. Work that is refused leaves nothing.
    void act(const Act& act, const std::function<void()>& work);
    /// What the act under way did so far stays, even when it is refused.
    void keep();
    /// Text for standard output that nobody can have again: it goes out before the act is done for good, and
    /// where it can't, the act is undone.
    void hand_out(std::string text) { handed_out_ = std::move(text); }
    /// For work in a transaction of another session: the act's row goes into that one.
    void record_in(base::sql::Session& session);

    /// One statement; its function does all that it does, or nothing.
    base::sql::Rows query(std::string_view statement, const base::sql::Params& parameters = {});
    /// A session of its own for work that takes long, without statement time-out. An act under way waits.
    [[nodiscard]] base::sql::Session long_session();
    /// `select COLUMNS` with the rest of the statement.
    Table table(const std::vector<Column>& columns, const std::string& rest,
                const base::sql::Params& parameters = {});

  private:
    Printer out_;
    std::int64_t max_amount_;
    base::sql::SessionOptions session_;
    std::string default_domain_, key_file_;
    boost::asio::io_context io_{1};
    std::optional<base::Database> database_;
    std::optional<ledger::Ledger> ledger_;
    const Act* unrecorded_ = nullptr;  // of the act under way
    std::string handed_out_;
    std::optional<base::sql::Transaction> transaction_;
};

/// Where finance staff read: nothing but the schema finance, with no right to anything else.
struct FinanceDesk {
    Printer out;
    base::sql::Session session;  ///< without statement time-out
};

/// One command at a desk of its own; the exit status. Throws PlainError.
int at_desk(const DeskOptions& options, const std::function<void(Desk&)>& command);
int at_finance_desk(const DeskOptions& options, const std::function<void(FinanceDesk&)>& command);

}  // namespace app
