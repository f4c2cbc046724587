// Builds log lines and hands them to the writer.
#include "base/log.hpp"

#include "base/log_writer.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace base {
namespace {

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "";
}

/// UTC with milliseconds (RFC 3339). A second's text is made once by each thread: there are thousands of
/// lines in it.
std::string time_stamp(std::chrono::system_clock::time_point time) {
    struct Second {
        std::time_t since_epoch = -1;
        std::array<char, 32> text{};
        std::size_t length = 0;
    };
    thread_local Second second;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(time - seconds).count();
    const auto since_epoch = std::chrono::system_clock::to_time_t(seconds);
    if (since_epoch != second.since_epoch) {
        std::tm utc{};
        ::gmtime_r(&since_epoch, &utc);
        second.length = std::strftime(second.text.data(), second.text.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
        second.since_epoch = since_epoch;
    }
    const auto digits = std::to_string(1000 + ms);
    return std::string(second.text.data(), second.length) + digits.substr(1) + 'Z';
}

void append_escaped(std::string& out, char c) {
    static constexpr char digits[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
        out += c;
        return;
    }
    out += "\\u00";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

/// Text for people needs quotes only where a reader could not tell where it ends.
bool needs_quotes(std::string_view text) {
    if (text.empty()) return true;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '\\' || c == '=') return true;
    }
    return false;
}

/// Printable ASCII that JSON takes as it is. A table: each character of the access log is asked about.
constexpr auto plain_characters = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

bool is_plain(char c) { return plain_characters[static_cast<unsigned char>(c)]; }

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const auto plain = std::find_if_not(text.begin(), text.end(), is_plain) - text.begin();
        out += text.substr(0, static_cast<std::size_t>(plain));
        text.remove_prefix(static_cast<std::size_t>(plain));
        if (text.empty()) break;
        const auto length = utf8_sequence_length(text);
        if (length == 0)
            out += "\xEF\xBF\xBD";
        else if (length == 1)
            append_escaped(out, text.front());
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    out += '"';
}

void append_field(std::string& out, LogFormat format, const LogField& field) {
    const bool json = format == LogFormat::json;
    out += json ? ',' : ' ';
    if (json)
        append_quoted(out, field.name);
    else
        out += field.name;
    out += json ? ':' : '=';
    if (json ? field.quoted : needs_quotes(field.value))
        append_quoted(out, field.value);
    else
        out += field.value;
}

}  // namespace

std::string json_quoted(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_quoted(out, text);
    return out;
}

std::string log_text(LogFormat format, std::string_view message, std::string_view fixed,
                     std::initializer_list<LogField> fields) {
    std::string line;
    line.reserve(256);
    if (format == LogFormat::json) {
        line = "\"msg\":" + json_quoted(message);
    } else {
        const auto quoted =
            json_quoted(message);  // escapes line breaks; the quotes themselves are not wanted
        line = quoted.substr(1, quoted.size() - 2);
    }
    line += fixed;
    for (const auto& field : fields) append_field(line, format, field);
    return line;
}

namespace {

std::string finished_line(LogFormat format, LogLevel level, std::string_view text) {
    const auto time = time_stamp(std::chrono::system_clock::now());
    const auto name = level_name(level);
    std::string line;
    line.reserve(time.size() + text.size() + 48);
    if (format == LogFormat::json) {
        line.append(R"({"time":")").append(time).append(R"(","level":")").append(name);
        return line.append("\",").append(text).append(1, '}');
    }
    constexpr std::size_t level_width = 8;
    line.append(time).append(1, ' ').append(name).append(level_width - name.size(), ' ');
    return line.append(text);
}

LogWriter::Options writer_options(const LogOptions& options) {
    LogWriter::Options result;
    result.file = options.file;
    result.buffer_limit = options.buffer_limit;
    result.write_interval = options.write_interval;
    result.lost_line = [format = options.format](std::uint64_t lost) {
        return finished_line(format, LogLevel::warning,
                             log_text(format, "log lines were lost here", "", {{"lines", lost}}));
    };
    return result;
}

}  // namespace

struct Logger::Sink {
    LogWriter writer;
    explicit Sink(const LogOptions& options) : writer(writer_options(options)) {}
};

Logger::Logger(const LogOptions& options)
    : sink_(std::make_shared<Sink>(options)), level_(options.level), format_(options.format) {}

Logger::Logger(LogLevel level, LogFormat format) : Logger(LogOptions{.level = level, .format = format}) {}

Logger Logger::with(std::initializer_list<LogField> fields) const {
    Logger result = *this;
    for (const auto& field : fields) append_field(result.fixed_, format_, field);
    return result;
}

void Logger::flush() const { sink_->writer.flush(); }

void Logger::reopen() const { sink_->writer.reopen(); }

std::uint64_t Logger::lost() const { return sink_->writer.lost(); }

void Logger::write(LogLevel level, std::string_view message, Fields fields) const {
    if (!enabled(level)) return;
    const auto text = log_text(format_, message, fixed_, fields);
    sink_->writer.append(finished_line(format_, level, text), level >= LogLevel::warning);
}

}  // namespace base
