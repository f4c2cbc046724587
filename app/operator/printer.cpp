// Writes to standard output and standard error.
#include "app/operator/printer.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace app {
namespace json = boost::json;

void Printer::done(std::string_view sentence, json::object facts, std::string_view outcome) const {
    if (!as_json_) {
        *results_ << printable(sentence) << '\n';
        return;
    }
    json::object object{{"outcome", outcome}};
    for (auto& fact : facts) object.emplace(fact.key(), std::move(fact.value()));
    *results_ << json::serialize(object) << '\n';
}

void Printer::posted(std::string sentence, json::object facts, bool replayed) const {
    if (replayed) sentence.append(" ").append(done_before);
    done(sentence, std::move(facts), replayed ? "replayed" : "posted");
}

void Printer::report(std::string_view lines, json::object facts) const {
    if (as_json_)
        done("", std::move(facts));
    else
        *results_ << lines << '\n';
}

void Printer::list(const Table& table, std::string_view none) const {
    if (as_json_)
        *results_ << json::serialize(json_of(table)) << '\n';
    else if (table.rows.empty())
        *results_ << none << '\n';
    else
        *results_ << aligned(table);
}

void Printer::record(const Table& record, std::string_view parts_name, const Table& parts) const {
    if (!as_json_) {
        *results_ << aligned_record(record);
        if (!parts.rows.empty()) *results_ << '\n' << aligned(parts);
        return;
    }
    auto object = json_of(record).front().as_object();
    object[parts_name] = json_of(parts);
    *results_ << json::serialize(object) << '\n';
}

void Printer::note(std::string_view text) { std::cerr << printable(text) << '\n'; }

void Printer::refused(const Refused& refusal) const {
    if (as_json_) {
        const json::object object{{"outcome", refusal.outcome()}, {"reason", refusal.what()}};
        *results_ << json::serialize(object) << '\n';
    } else {
        note("Refused: " + std::string(refusal.what()) + " (" + refusal.outcome() + ")");
    }
}

}  // namespace app
