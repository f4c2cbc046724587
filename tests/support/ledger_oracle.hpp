// What the ledger must do, a second time: plain containers in memory, no SQL, no batches, no arrays.
#pragma once

#include "base/decimal.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tests {

enum class Kind {
    charge,
    refund,
    credit,
    hold,
    extend,
    capture,
    release,
    adjustment,
    transfer,
    split,
    reversal
};
std::string to_string(Kind kind);

/// A request in the oracle's terms: accounts and holds by their place in it.
struct Asked {
    Kind kind = Kind::charge;
    std::string application = "shop";
    std::string reference;
    std::size_t account = 0;
    base::Decimal amount;
    std::optional<std::string> unit;
    std::optional<std::int64_t> volume;  // in place of the amount
    std::optional<std::string> counted;  // the volume's unit, where it names one
    std::optional<std::string> type;
    std::size_t hold = 0;                             // extend, capture, release
    std::optional<std::string> original;              // refund, reversal
    bool unlinked = false;                            // refund
    std::optional<int> period;                        // credit, days
    std::size_t to = 0;                               // transfer
    std::optional<std::string> to_type;               // transfer
    std::vector<std::pair<std::size_t, int>> shares;  // split
    Kind undone = Kind::charge;                       // reversal
    std::optional<std::int16_t> keeper;  // reversal of a split: the shard where the split's key lies
};

/// Everything by ledger.md. Time is counted in whole days from the start of the run; what is due in the run
/// itself is told by calls, as the tests tell the database.
class Oracle {
  public:
    struct Type {
        std::string unit;
        int exponent = 0;
        int priority = 0;
    };
    /// An expiry: day, and the transaction that set it, because later ones of the same day expire later.
    using Expiry = std::pair<int, std::uint64_t>;
    struct Balance {
        std::string unit;
        int exponent = 0;
        int priority = 0;
        std::int64_t posted = 0, limit = 0;
        std::int64_t held = 0;
        std::uint64_t rows = 0;
        std::optional<Expiry> expiry = std::nullopt;
    };
    struct Leg {
        std::string type;
        std::int64_t amount = 0;    // of holds and requests: how much
        std::int64_t consumed = 0;  // captured, or given back
    };
    struct Hold {
        std::size_t account = 0;
        std::optional<std::string> type;
        std::vector<Leg> legs;
        bool open = true;
        std::optional<std::int64_t> volume = std::nullopt;  // of one of a volume
        std::int64_t captured_volume = 0;
        bool rated = false;  // by the tariff; else the balance counts volumes itself
    };
    enum class State { active, suspended, closed };
    struct Account {
        State state = State::active;
        bool spending = false;
        std::string main = "main";  // the default balance
        std::map<std::string, Balance> balances;
    };

    explicit Oracle(std::map<std::string, Type> types) : types_(std::move(types)) {}

    /// Balances are made in this order; the first one is the default.
    std::size_t open_account(bool spending, const std::vector<std::string>& types);
    Account& account(std::size_t index) { return accounts_.at(index); }
    Hold& hold(std::size_t index) { return holds_.at(index); }
    [[nodiscard]] const Hold& hold(std::size_t index) const { return holds_.at(index); }
    [[nodiscard]] std::size_t accounts() const { return accounts_.size(); }
    [[nodiscard]] std::size_t holds() const { return holds_.size(); }

    /// "posted", "replayed" or a refusal. Whether credits make balances is the ledger's, not post_batch's.
    std::string ask(const Asked& asked, bool makes_balances = true);
    /// The place of the first request with this key among the accepted ones; for comparing receipts.
    [[nodiscard]] std::optional<std::size_t> accepted(const Asked& asked) const;

    void new_transaction() { ++transaction_; }
    void expire_hold(std::size_t index);
    /// A place for a hold that was never made, so that requests may name it.
    std::size_t add_unknown_hold(std::size_t account) {
        holds_.push_back({account, {}, {}, false});
        return holds_.size() - 1;
    }
    /// True: the balance was posted away.
    bool sweep_balance(std::size_t account, const std::string& type, int grace_days);
    std::string close(std::size_t account);

    /// What a look at one account's tables shows; the same text as ledger_state_query gives.
    [[nodiscard]] std::string state(std::size_t account) const;
    [[nodiscard]] std::string contra_totals() const;

  private:
    struct Metered {
        std::int64_t volume = 0, before = 0, refunded = 0;
        bool rated = false;
    };
    struct Request {
        std::string content;
        std::size_t number = 0;
        Kind kind = Kind::charge;
        std::vector<std::pair<std::size_t, Leg>> legs;  // account, leg; negative amounts were taken
        bool undone = false;
        std::map<std::size_t, Metered> metered{};  // by account
    };
    struct Quote {
        std::string type, unit;  // of the balance
        std::int64_t minor = 0;
        bool rated = false;
    };
    struct Step {  // one movement of a request of several legs
        std::size_t account = 0;
        std::optional<std::string> type;
        std::int64_t amount = 0;
    };
    using Legs = std::vector<Leg>;

    [[nodiscard]] std::string key(Kind kind, std::size_t account, const Asked& asked,
                                  const std::string& reference) const;
    [[nodiscard]] std::string key(const Asked& asked) const;
    [[nodiscard]] static std::string content(const Asked& asked);
    std::string decide(const Asked& asked, bool makes_balances);
    std::string on_account(const Asked& asked, bool makes_balances);
    std::string spend(const Asked& asked);
    std::string refund(const Asked& asked);
    std::string credit(const Asked& asked, bool makes_balances);
    std::string on_hold(const Asked& asked);
    std::string extend(const Asked& asked, Hold& hold, std::int64_t minor);
    [[nodiscard]] std::int64_t extends_by(const Asked& asked) const;
    std::string adjust_or_transfer(const Asked& asked);
    std::string split(const Asked& asked);
    std::string share_out(const Asked& asked, const std::vector<std::pair<std::size_t, int>>& shares);
    [[nodiscard]] Asked of_amount(const Asked& asked, std::int64_t minor, const std::string& unit) const;
    static bool spends_data(const Account& account);
    std::string quote(const Asked& asked, std::size_t account, bool may_spend, Quote& quote) const;
    std::string spend_volume(const Asked& asked);
    [[nodiscard]] static std::string read_volume(const Asked& asked, const Hold& hold, std::int64_t& minor);
    std::string refund_volume(const Asked& asked);
    std::string split_volume(const Asked& asked, const std::vector<std::pair<std::size_t, int>>& shares);
    std::string reverse(const Asked& asked);
    std::string move_all(const Asked& asked, const std::vector<Step>& steps, const std::string& contra,
                         std::vector<std::string> contras = {});
    [[nodiscard]] static std::string draw(const Account& account, const std::string& unit, std::int64_t minor,
                                          Legs& legs);
    [[nodiscard]] static std::string draw_one(const Account& account, const std::string& type,
                                              std::int64_t minor, Legs& legs);
    [[nodiscard]] static std::string read_amount(const Asked& asked, const std::string& unit, int exponent,
                                                 bool may_be_negative, std::int64_t& minor);
    [[nodiscard]] int exponent_of(const std::string& unit) const;
    void move(std::size_t account, const Leg& leg, const std::string& contra, const std::string& application);
    void keep(const Asked& asked, std::vector<std::pair<std::size_t, Leg>> legs);

    std::map<std::string, Type> types_;
    std::vector<Account> accounts_;
    std::vector<Hold> holds_;
    std::map<std::string, Request> requests_;
    std::map<std::string, std::int64_t> contra_;
    std::uint64_t transaction_ = 0;
};

/// Makes the tariff that the oracle rates volumes by.
extern const char* const metered_tariff;
/// The state of account $2 in shard $1, as Oracle::state writes it; $3 is the start of the run.
extern const char* const ledger_state_query;
/// As Oracle::contra_totals writes it.
extern const char* const contra_totals_query;

}  // namespace tests
