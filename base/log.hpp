// Logging: one event a line, a message and named values; JSON for machines, text for people.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { json, text };

/// One named value of a log line. Made in place: `log.info("started", {{"port", 8080}, {"demo", true}})`.
struct LogField {
    LogField(std::string_view field, std::string_view text) : name(field), value(text), quoted(true) {}
    LogField(std::string_view field, const std::string& text) : LogField(field, std::string_view(text)) {}
    LogField(std::string_view field, const char* text) : LogField(field, std::string_view(text)) {}
    LogField(std::string_view field, bool flag)
        : name(field), value(flag ? "true" : "false"), quoted(false) {}
    template <std::integral Number>
    LogField(std::string_view field, Number number)
        : name(field), value(std::to_string(number)), quoted(false) {}

    std::string name;
    std::string value;
    bool quoted;
};

/// Where lines go and what becomes of them when nobody takes them.
struct LogOptions {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::json;
    std::string file{};  ///< appended to; empty: standard error
    std::size_t buffer_limit =
        4UL * 1024 * 1024;  ///< bytes that may wait; further lines are lost, and counted
    std::chrono::milliseconds write_interval{100};  ///< between two writes; warnings and errors do not wait
};

/// Hands lines to a thread that writes them: logging never waits for I/O. Cheap to copy, safe from any
/// thread. The last copy that goes writes what waits.
class Logger {
  public:
    /// Throws std::runtime_error that names the file when it can't be opened.
    explicit Logger(const LogOptions& options);
    explicit Logger(LogLevel level = LogLevel::info, LogFormat format = LogFormat::json);

    /// The same with these fields on every line, e.g. the part of the program that speaks.
    [[nodiscard]] Logger with(std::initializer_list<LogField> fields) const;

    [[nodiscard]] bool enabled(LogLevel level) const { return level >= level_; }

    /// Waits, for a short while at most, until what was logged before is written.
    void flush() const;
    /// Opens the file anew, after log rotation. Throws std::runtime_error, and goes on with the old one.
    void reopen() const;
    /// Lines that were lost because nobody took them in time.
    [[nodiscard]] std::uint64_t lost() const;

    using Fields = std::initializer_list<LogField>;
    void debug(std::string_view message, Fields fields = {}) const {
        write(LogLevel::debug, message, fields);
    }
    void info(std::string_view message, Fields fields = {}) const { write(LogLevel::info, message, fields); }
    void warning(std::string_view message, Fields fields = {}) const {
        write(LogLevel::warning, message, fields);
    }
    void error(std::string_view message, Fields fields = {}) const {
        write(LogLevel::error, message, fields);
    }

  private:
    void write(LogLevel level, std::string_view message, Fields fields) const;

    struct Sink;
    std::shared_ptr<Sink> sink_;
    LogLevel level_;
    LogFormat format_;
    std::string fixed_;  // the fields of with(), as they are printed
};

/// The line's body as it is printed after time and level; public for its test.
[[nodiscard]] std::string log_text(LogFormat format, std::string_view message, std::string_view fixed,
                                   std::initializer_list<LogField> fields);

/// A string as JSON writes it, with its quotes (RFC 8259, 7). What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_quoted(std::string_view text);

}  // namespace base
