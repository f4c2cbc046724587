// The one file that speaks to libpqxx: sessions, prepared statements, classification of failures.
#include "base/sql.hpp"

#include "base/sql_copy.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/endian/conversion.hpp>
#include <charconv>
#include <concepts>
#include <functional>
#include <map>
#include <pqxx/pqxx>
#include <ranges>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace base::sql {

// --- errors

Error::Error(Failure failure, std::string sqlstate, const std::string& what)
    : std::runtime_error(what), failure_(failure), sqlstate_(std::move(sqlstate)) {}

namespace {

/// PostgreSQL's message on one of our functions quotes the statement that failed in it, thousands of
/// characters for a batch. Which function it was, and at which line, says the same.
std::string message_of(std::string_view text) {
    constexpr std::string_view context = "CONTEXT:  ";
    bool quoted = false;
    bool in_context = false;
    std::string result;
    for (const auto part : std::views::split(text, '\n')) {
        std::string_view line(part.begin(), part.end());
        if (line.starts_with("QUERY:  ")) quoted = true;
        if (line.starts_with(context)) {
            quoted = false;
            in_context = true;
            line.remove_prefix(context.size());
        }
        const bool names = line.starts_with("PL/pgSQL function ") || line.starts_with("while ");
        if (quoted || line.empty() || (in_context && !names)) continue;
        if (!result.empty()) result += '\n';
        result += line;
    }
    return result;
}

/// PostgreSQL's appendix A. What the server cannot do now, whatever the statement (out of disk, shutting
/// down, a standby), is `connection`: the same statement may succeed later, or elsewhere.
Failure classify(std::string_view sqlstate) {
    const auto type = sqlstate.substr(0, 2);
    if (sqlstate == "40001" || sqlstate == "40P01") return Failure::conflict;
    if (sqlstate == "57014" || sqlstate == "55P03") return Failure::timeout;
    if (type == "08" || type == "53" || type == "57" || type == "58") return Failure::connection;
    if (sqlstate == "25006" || sqlstate == "25P03") return Failure::connection;
    return Failure::data;
}

/// Runs `action` and turns what libpqxx throws into Error. `open` tells whether the connection survived.
template <class Action, class IsOpen>
auto translated(const Action& action, const IsOpen& open) {
    try {
        return action();
    } catch (const pqxx::sql_error& error) {
        if (!open() || error.sqlstate().empty()) {
            throw Error(Failure::connection, error.sqlstate(), message_of(error.what()));
        }
        throw Error(classify(error.sqlstate()), error.sqlstate(), message_of(error.what()));
    } catch (const pqxx::deadlock_detected& error) {
        throw Error(Failure::conflict, "40P01", message_of(error.what()));
    } catch (const pqxx::serialization_failure& error) {
        throw Error(Failure::conflict, "40001", message_of(error.what()));
    } catch (const pqxx::pqxx_exception& error) {
        throw Error(Failure::connection, "", message_of(error.base().what()));
    }
}

}  // namespace

// --- parameters

void ArrayText::add(std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    if (text_.size() > 1) text_ += ',';
    text_.append(digits, end);
}

void ArrayText::add(std::string_view value) {
    if (text_.size() > 1) text_ += ',';
    text_ += '"';
    while (true) {
        const auto end = std::ranges::find_if(value, [](char c) { return c == '"' || c == '\\'; });
        const auto plain = static_cast<std::size_t>(end - value.begin());
        text_ += value.substr(0, plain);
        if (plain == value.size()) break;
        text_ += '\\';
        text_ += value[plain];
        value.remove_prefix(plain + 1);
    }
    text_ += '"';
}

void ArrayText::add(bool value) {
    if (text_.size() > 1) text_ += ',';
    text_ += value ? 't' : 'f';
}

void ArrayText::add_null() {
    if (text_.size() > 1) text_ += ',';
    text_ += "NULL";
}

std::string ArrayText::text() const { return text_ + '}'; }

namespace {

/// In the network's order, as all numbers in PostgreSQL's binary forms are.
template <std::integral Number>
void append_number(std::string& out, Number value) {
    const auto ordered = boost::endian::native_to_big(value);
    out.append(reinterpret_cast<const char*>(&ordered), sizeof ordered);
}

constexpr std::int32_t null_length = -1;

}  // namespace

BinaryArray::BinaryArray(Element element) : element_(element) {}

template <std::integral Number>
void BinaryArray::put(std::int64_t value) {
    if (!std::in_range<Number>(value))
        throw Error(Failure::data, "22003", "a number is too large for its column");
    ++count_;
    append_number(elements_, std::int32_t{sizeof(Number)});
    append_number(elements_, static_cast<Number>(value));
}

void BinaryArray::add(std::int64_t value) {
    if (element_ == Element::smallint)
        put<std::int16_t>(value);
    else if (element_ == Element::integer)
        put<std::int32_t>(value);
    else
        put<std::int64_t>(value);
}

void BinaryArray::add(bool value) { put<std::int8_t>(value ? 1 : 0); }

void BinaryArray::add(std::string_view value) {
    ++count_;
    append_number(elements_, static_cast<std::int32_t>(value.size()));
    elements_ += value;
}

void BinaryArray::add(std::span<const std::uint8_t, 16> uuid) {
    add(std::string_view(reinterpret_cast<const char*>(uuid.data()), uuid.size()));
}

void BinaryArray::add_null() {
    ++count_;
    has_null_ = true;
    append_number(elements_, null_length);
}

std::string BinaryArray::bytes() const {
    std::string out;
    out.reserve(20 + elements_.size());
    append_number(out, std::int32_t{count_ > 0 ? 1 : 0});  // dimensions
    append_number(out, std::int32_t{has_null_ ? 1 : 0});
    append_number(out, static_cast<std::uint32_t>(element_));
    if (count_ == 0) return out;
    append_number(out, count_);
    append_number(out, std::int32_t{1});  // the first one's index
    return out += elements_;
}

Params& Params::add(std::string_view value) {
    // libpq would cut the value at a NUL silently; PostgreSQL's own error for such text is 22021.
    if (value.find('\0') != std::string_view::npos) {
        throw Error(Failure::data, "22021", "a parameter holds a NUL character");
    }
    values_.emplace_back(value);
    return *this;
}

Params& Params::add(std::int64_t value) {
    values_.emplace_back(std::to_string(value));
    return *this;
}

Params& Params::add(bool value) {
    values_.emplace_back(value ? "t" : "f");
    return *this;
}

Params& Params::add(const BinaryArray& value) {
    if (binary_ == 0) first_binary_ = values_.size();
    if (first_binary_ + binary_++ != values_.size())
        throw std::logic_error("parameters in binary form do not stand together");
    values_.emplace_back(value.bytes());
    return *this;
}

Params& Params::add_null() {
    values_.emplace_back(std::nullopt);
    return *this;
}

// --- rows

struct Rows::Data {
    pqxx::result result;

    [[nodiscard]] pqxx::field at(std::size_t row, std::size_t column) const {
        if (row >= result.size() || column >= result.columns()) {
            throw std::out_of_range("row or column beyond the statement's result");
        }
        return result[static_cast<pqxx::result::size_type>(row)][static_cast<pqxx::row::size_type>(column)];
    }
};

Rows::Rows(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

std::size_t Rows::size() const { return data_->result.size(); }

bool Rows::is_null(std::size_t row, std::size_t column) const { return data_->at(row, column).is_null(); }

std::string_view Rows::text(std::size_t row, std::size_t column) const {
    const auto field = data_->at(row, column);
    if (field.is_null()) throw std::logic_error("NULL where a value was expected");
    return {field.c_str(), field.size()};
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
    const auto digits = text(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        throw std::logic_error("not an integer: " + std::string(digits));
    }
    return value;
}

bool Rows::boolean(std::size_t row, std::size_t column) const { return text(row, column) == "t"; }

std::optional<std::string> Rows::optional_text(std::size_t row, std::size_t column) const {
    if (is_null(row, column)) return std::nullopt;
    return std::string(text(row, column));
}

std::optional<std::int64_t> Rows::optional_integer(std::size_t row, std::size_t column) const {
    if (is_null(row, column)) return std::nullopt;
    return integer(row, column);
}

std::vector<std::string_view> Rows::plain_array(std::size_t row, std::size_t column) const {
    auto rest = text(row, column);
    std::vector<std::string_view> elements;
    if (rest.size() < 2 || rest.front() != '{' || rest.back() != '}') {
        throw std::logic_error("not an array: " + std::string(rest));
    }
    rest = rest.substr(1, rest.size() - 2);
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const auto element = rest.substr(0, comma);
        elements.push_back(element == "NULL" ? std::string_view() : element);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return elements;
}

// --- sessions

namespace {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// The URL with our connection parameters behind the user's own, which win: libpq takes the last one, so only
/// what the URL does not name is added.
std::string connection_string(const SessionOptions& options) {
    const bool uri = options.url.starts_with("postgresql://") || options.url.starts_with("postgres://");
    std::string result = options.url;
    char separator = !uri ? ' ' : result.find('?') == std::string::npos ? '?' : '&';
    const auto add = [&](const std::string& name, const std::string& value) {
        if (options.url.find(name + '=') != std::string::npos) return;
        result += separator + name + '=' + value;
        separator = uri ? '&' : ' ';
    };
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count();
    add("connect_timeout", std::to_string(std::max<std::int64_t>(seconds, 2)));  // libpq rounds 1 up to 2
    // A server that vanished without a word is noticed after 25 s instead of two hours.
    add("keepalives_idle", "10");
    add("keepalives_interval", "5");
    add("keepalives_count", "3");
    add("tcp_user_timeout", "25000");
    add("client_encoding", "UTF8");
    return result;
}

std::vector<const char*> texts(std::span<const std::optional<std::string>> values) {
    std::vector<const char*> result;
    result.reserve(values.size());
    for (const auto& value : values) result.push_back(value ? value->c_str() : nullptr);
    return result;
}

/// Collects what arrives on one channel.
class Receiver : public pqxx::notification_receiver {
  public:
    Receiver(pqxx::connection& connection, const std::string& channel,
             std::vector<Session::Notification>& notifications)
        : pqxx::notification_receiver(connection, channel), notifications_(notifications) {}

    void operator()(const std::string& payload, int) override {
        notifications_.push_back({channel(), payload});
    }

  private:
    std::vector<Session::Notification>& notifications_;
};

}  // namespace

struct Session::Impl {
    // Members are destroyed from the last to the first: receivers and the handler before the connection.
    pqxx::connection connection;
    pqxx::quiet_errorhandler quiet;
    std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> prepared;
    std::vector<Notification> notifications;
    std::map<std::string, Receiver> receivers;
    bool in_transaction = false;
    bool transaction_failed = false;

    explicit Impl(const SessionOptions& options) : connection(connection_string(options)), quiet(connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // "will be the default": in 6.4 it is not yet
        connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
        std::string setup =
            "SET client_min_messages = warning; SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC';"
            "SET jit = off;";  // our statements end before they would be compiled
        setup += "SET application_name = " + connection.quote(options.application_name) + ';';
        setup += "SET statement_timeout = " + std::to_string(options.statement_timeout.count()) + ';';
        // Whoever hangs between two statements of a transaction, or is cut off without a word, must not keep
        // what it has locked from all others for longer than a statement may.
        if (options.statement_timeout.count() > 0) {
            setup += "SET idle_in_transaction_session_timeout = " +
                     std::to_string(options.statement_timeout.count()) + ';';
        }
        // And as we notice a server that vanished, it shall notice that we have, and let go.
        setup +=
            "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
            "SET tcp_user_timeout = 25000;";
        if (!options.role.empty()) setup += "SET ROLE " + connection.quote_name(options.role) + ';';
        pqxx::nontransaction(connection).exec(setup);
    }

    const std::string& prepare(std::string_view statement) {
        const auto found = prepared.find(statement);
        if (found != prepared.end()) return found->second;
        const auto name = "s" + std::to_string(prepared.size() + 1);
        const std::string text(statement);
        connection.prepare(name, text);
        return prepared.emplace(text, name).first->second;
    }

    pqxx::result run(std::string_view statement, const Params& parameters) {
        // A pqxx transaction object is only libpqxx's way in: no statement of its own goes to the server.
        pqxx::nontransaction way_in(connection);
        if (parameters.values().empty()) return way_in.exec(std::string(statement));
        const std::span values(parameters.values());
        const auto binary = parameters.binary();
        const auto first = static_cast<std::size_t>(binary.data() - values.data());
        // libpqxx tells the two forms apart by type.
        std::vector<pqxx::binarystring> arrays;
        arrays.reserve(binary.size());
        for (const auto& value : binary) arrays.emplace_back(*value);
        const auto before = texts(values.first(first));
        const auto behind = texts(values.subspan(first + binary.size()));
        using pqxx::prepare::make_dynamic_params;
        return way_in.exec_prepared(prepare(statement), make_dynamic_params(before),
                                    make_dynamic_params(arrays), make_dynamic_params(behind));
    }
};

Session::Session(const SessionOptions& options) {
    // A connection that cannot be set up gives nobody a choice but to try later, whatever the SQLSTATE.
    try {
        impl_ = std::make_unique<Impl>(options);
    } catch (const pqxx::sql_error& error) {
        throw Error(Failure::connection, error.sqlstate(), message_of(error.what()));
    } catch (const pqxx::pqxx_exception& error) {
        throw Error(Failure::connection, "", message_of(error.base().what()));
    }
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Rows Session::exec(std::string_view statement, const Params& parameters) {
    try {
        auto result = translated([&] { return impl_->run(statement, parameters); },
                                 [&] { return impl_->connection.is_open(); });
        return Rows(std::make_shared<Rows::Data>(Rows::Data{std::move(result)}));
    } catch (...) {
        impl_->transaction_failed = true;
        throw;
    }
}

void Session::exec_script(const std::string& statements) { exec(statements); }

bool Session::broken() const { return !impl_->connection.is_open(); }

bool Session::alive() {
    // Whatever waits on an idle connection is a farewell, or a message that libpq keeps to itself: it must be
    // read to tell. A few reads are enough for the farewell and the end of the stream behind it.
    for (int attempt = 0; attempt < 4 && !broken(); ++attempt) {
        pollfd socket{impl_->connection.sock(), POLLIN, 0};
        if (::poll(&socket, 1, 0) <= 0) return true;
        try {
            impl_->connection.get_notifs();
        } catch (const pqxx::pqxx_exception&) {
            return false;
        }
    }
    return !broken();
}

void Session::listen(const std::string& channel) {
    translated(
        [&] { impl_->receivers.try_emplace(channel, impl_->connection, channel, impl_->notifications); },
        [&] { return impl_->connection.is_open(); });
}

std::vector<Session::Notification> Session::wait_for_notifications(std::chrono::milliseconds timeout) {
    if (broken()) throw Error(Failure::connection, "", "the connection to the database is lost");
    return translated(
        [&] {
            const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
            const auto rest = std::chrono::microseconds(timeout - seconds);
            impl_->connection.await_notification(seconds.count(), rest.count());
            return std::exchange(impl_->notifications, {});
        },
        [&] { return impl_->connection.is_open(); });
}

// --- transactions

Transaction::Transaction(Session& session) : session_(&session), part_(session.impl_->in_transaction) {
    session.exec(part_ ? "SAVEPOINT part" : "BEGIN");
    session.impl_->in_transaction = true;
    session.impl_->transaction_failed = false;
}

Transaction::~Transaction() {
    if (session_ == nullptr) return;
    session_->impl_->in_transaction = part_;
    if (session_->broken()) return;
    try {
        if (part_) {
            session_->exec("ROLLBACK TO SAVEPOINT part");
            session_->exec("RELEASE SAVEPOINT part");
            session_->impl_->transaction_failed = false;
        } else {
            session_->exec("ROLLBACK");
        }
    } catch (const Error&) {
        // The session is broken now and says so; the server rolls back by itself.
    }
}

void Transaction::commit() {
    auto& session = *session_;
    // COMMIT of a failed transaction is a silent rollback on the server.
    if (session.impl_->transaction_failed) {
        throw Error(Failure::data, "25P02", "the transaction has failed and can't be committed");
    }
    session_ = nullptr;
    session.impl_->in_transaction = part_;
    session.exec(part_ ? "RELEASE SAVEPOINT part" : "COMMIT");
}

// --- copying

namespace {

/// libpqxx knows how wide a row is when it is compiled: finds the width, from the widest on.
template <std::size_t Width>
void put(pqxx::stream_to& stream, const std::vector<std::optional<std::string>>& values) {
    if (values.size() == Width) {
        std::array<const char*, Width> fields{};
        for (std::size_t i = 0; i < Width; ++i) fields[i] = values[i] ? values[i]->c_str() : nullptr;
        stream << fields;
    } else if constexpr (Width > 1) {
        put<Width - 1>(stream, values);
    } else {
        throw std::invalid_argument("copy_into: a row of " + std::to_string(values.size()) + " values");
    }
}

}  // namespace

std::int64_t copy_into(const SessionOptions& options, const std::string& table,
                       const std::vector<std::string>& columns,
                       const std::function<std::optional<Params>()>& next) {
    std::optional<pqxx::connection> connection;
    return translated(
        [&] {
            connection.emplace(connection_string(options));
            pqxx::work transaction(*connection);
            pqxx::stream_to stream(transaction, table, columns);
            std::int64_t rows = 0;
            for (auto row = next(); row; row = next(), ++rows) put<copy_width_max>(stream, row->values());
            stream.complete();
            transaction.commit();
            return rows;
        },
        [&] { return connection && connection->is_open(); });
}

}  // namespace base::sql
