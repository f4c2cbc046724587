// SQL sessions: the one place that knows libpqxx. Statements, parameters and rows as values; failures
// classified by what a caller can do about them.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace base::sql {

/// What a caller can do about a failed statement.
enum class Failure {
    connection,  ///< the database is away, or went away: what a statement under way did is unknown
    conflict,    ///< serialization failure or deadlock (40001, 40P01): nothing was done, repeat it
    timeout,     ///< cancelled by the statement time-out (57014): nothing was done
    data,        ///< the statement itself is at fault (classes 22, 23, P0 and the like): nothing was done
};

class Error : public std::runtime_error {
  public:
    Error(Failure failure, std::string sqlstate, const std::string& what);
    [[nodiscard]] Failure failure() const { return failure_; }
    [[nodiscard]] const std::string& sqlstate() const { return sqlstate_; }  ///< empty for `connection`

  private:
    Failure failure_;
    std::string sqlstate_;
};

/// Builds the text of one array parameter, e.g. `{1,2,NULL}`, without intermediate objects.
class ArrayText {
  public:
    void add(std::int64_t value);
    void add(int value) { add(std::int64_t{value}); }
    void add(std::string_view value);  ///< quoted and escaped
    void add(const char* value) { add(std::string_view(value)); }
    void add(const std::string& value) { add(std::string_view(value)); }
    void add(bool value);
    void add_null();
    template <class T>
    void add(const std::optional<T>& value) {
        if (value)
            add(*value);
        else
            add_null();
    }
    [[nodiscard]] std::string text() const;

  private:
    std::string text_ = "{";
};

/// Builds one array parameter as PostgreSQL keeps arrays itself (array_recv): the charging path passes a
/// batch as more than a dozen of them, and to read their texts would take PostgreSQL a tenth of its work.
class BinaryArray {
  public:
    /// By the number of the type in PostgreSQL's catalog (pg_type.dat), which the array has to name.
    enum class Element : std::uint32_t {
        boolean = 16,
        bigint = 20,
        smallint = 21,
        integer = 23,
        text = 25,
        uuid = 2950
    };

    explicit BinaryArray(Element element);
    /// Of one of the three widths. Throws Error (data, 22003) where the value is too large for it.
    void add(std::int64_t value);
    void add(std::string_view value);
    void add(bool value);
    void add(std::span<const std::uint8_t, 16> uuid);
    void add_null();
    /// An array without elements, where none was added.
    [[nodiscard]] std::string bytes() const;

  private:
    template <std::integral Number>
    void put(std::int64_t value);

    Element element_;
    std::uint32_t count_ = 0;
    bool has_null_ = false;
    std::string elements_;
};

/// The parameters $1, $2, … of one statement: text, and arrays in binary form, which stand together.
class Params {
  public:
    Params& add(std::string_view value);
    Params& add(const char* value) { return add(std::string_view(value)); }
    Params& add(const std::string& value) { return add(std::string_view(value)); }
    Params& add(std::int64_t value);
    Params& add(int value) { return add(std::int64_t{value}); }
    Params& add(bool value);
    Params& add(const ArrayText& value) { return add(value.text()); }
    /// Behind another one, or as the first of them.
    Params& add(const BinaryArray& value);
    Params& add_null();
    template <class T>
    Params& add(const std::optional<T>& value) {
        return value ? add(*value) : add_null();
    }
    using Values = std::vector<std::optional<std::string>>;
    [[nodiscard]] const Values& values() const { return values_; }
    /// Which of them are in binary form; these are not NULL.
    [[nodiscard]] std::span<const std::optional<std::string>> binary() const {
        return std::span(values_).subspan(first_binary_, binary_);
    }

  private:
    Values values_;
    std::size_t first_binary_ = 0;
    std::size_t binary_ = 0;
};

template <class... Ts>
[[nodiscard]] Params params(const Ts&... values) {
    Params result;
    (result.add(values), ...);
    return result;
}

/// The rows that a statement returned. Cheap to copy.
class Rows {
  public:
    struct Data;
    explicit Rows(std::shared_ptr<const Data> data);

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] bool is_null(std::size_t row, std::size_t column) const;
    /// The text of a value that is not NULL; valid as long as any copy of these rows lives.
    [[nodiscard]] std::string_view text(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::int64_t integer(std::size_t row, std::size_t column) const;
    [[nodiscard]] bool boolean(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::optional<std::string> optional_text(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::optional<std::int64_t> optional_integer(std::size_t row, std::size_t column) const;
    /// The elements of a one-dimensional array value without quotes around elements (numbers, booleans,
    /// uuids); NULL elements are empty views.
    [[nodiscard]] std::vector<std::string_view> plain_array(std::size_t row, std::size_t column) const;

  private:
    std::shared_ptr<const Data> data_;
};

struct SessionOptions {
    std::string url;                                 ///< a libpq connection string or URI
    std::string application_name;                    ///< shown in pg_stat_activity
    std::string role;                                ///< SET ROLE after connecting, unless empty
    std::chrono::milliseconds statement_timeout{0};  ///< of pauses in a transaction, too; 0: none
    std::chrono::milliseconds connect_timeout{5000};
};

/// One connection. Not thread-safe. A broken session stays broken (libpqxx's silent reconnection is
/// inhibited: it would lose prepared statements, LISTEN and the role): make a new one.
class Session {
  public:
    explicit Session(const SessionOptions& options);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    /// Runs one statement, in autocommit unless a Transaction is open. With parameters it is prepared once
    /// and found again by its text. Throws Error.
    Rows exec(std::string_view statement, const Params& parameters = {});

    /// Runs several statements separated by semicolons, as one implicit transaction unless one is open.
    void exec_script(const std::string& statements);

    /// The connection was found lost by an earlier call. Costs nothing.
    [[nodiscard]] bool broken() const;

    /// Looks (without a round trip) whether an idle connection was closed by the server meanwhile.
    [[nodiscard]] bool alive();

    /// LISTEN on a channel; the notifications are read by wait_for_notifications.
    void listen(const std::string& channel);
    struct Notification {
        std::string channel, payload;
    };
    /// The notifications that arrive within `timeout` (possibly none). Throws Error when the connection is
    /// lost.
    std::vector<Notification> wait_for_notifications(std::chrono::milliseconds timeout);

  private:
    friend class Transaction;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// BEGIN … COMMIT around statements of a session; rolls back when it is destroyed uncommitted. Within another
/// one it is a part of that: it rolls back by itself (a savepoint), and is committed with the whole.
class Transaction {
  public:
    explicit Transaction(Session& session);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    /// Throws Error; with Failure::connection it is unknown whether the transaction was committed.
    void commit();

  private:
    Session* session_;
    bool part_;
};

}  // namespace base::sql
