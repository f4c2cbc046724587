// Builds log lines and hands them to spdlog's sink on standard error.
#include "base/log.hpp"

#include "base/utf8.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>

namespace base {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
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

/// Printable ASCII that JSON takes as it is.
bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

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

struct Logger::Sink {
    spdlog::logger logger;

    explicit Sink(LogFormat format) : logger("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        const bool json = format == LogFormat::json;
        logger.set_level(spdlog::level::trace);
        logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
            json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
            spdlog::pattern_time_type::utc));
    }
};

Logger::Logger(LogLevel level, LogFormat format)
    : sink_(std::make_shared<Sink>(format)), level_(level), format_(format) {}

Logger Logger::with(std::initializer_list<LogField> fields) const {
    Logger result = *this;
    for (const auto& field : fields) append_field(result.fixed_, format_, field);
    return result;
}

void Logger::write(LogLevel level, std::string_view message, Fields fields) const {
    if (!enabled(level)) return;
    const auto line = log_text(format_, message, fixed_, fields);
    sink_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace base
