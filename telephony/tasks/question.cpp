// Enumerators travel as numbers: all nodes on a database that talk of calls know the same ones, and a number
// that one does not know is refused.
#include "telephony/tasks/question.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tasks {
namespace {

namespace json = boost::json;

/// Of a point of time, to tell it from a number.
constexpr auto time_key = "microseconds";

json::object json_of(const Dictionary& dictionary) {
    json::object result;
    for (const auto& [name, value] : dictionary.entries) {
        result[name] = std::visit(
            [](const auto& known) -> json::value {
                using Known = std::remove_cvref_t<decltype(known)>;
                if constexpr (std::is_same_v<Known, Dictionary::Time>) {
                    return json::object{{time_key, known.time_since_epoch().count()}};
                } else if constexpr (std::is_same_v<Known, std::vector<Dictionary>>) {
                    json::array list;
                    for (const auto& each : known) list.push_back(json_of(each));
                    return list;
                } else if constexpr (std::is_same_v<Known, std::string>) {
                    return json::string(known);
                } else {
                    return known;
                }
            },
            value);
    }
    return result;
}

std::string text_of(const json::value& value) {
    const auto& text = value.as_string();
    return {text.data(), text.size()};
}

std::string text_at(const json::object& object, std::string_view name) { return text_of(object.at(name)); }

Dictionary dictionary_of(const json::object& object) {
    Dictionary result;
    for (const auto& [name, value] : object) {
        auto& entry = result.entries[std::string(name)];
        if (value.is_string()) {
            entry = text_of(value);
        } else if (value.is_array()) {
            std::vector<Dictionary> list;
            for (const auto& each : value.as_array()) list.push_back(dictionary_of(each.as_object()));
            entry = std::move(list);
        } else if (value.is_object()) {
            entry = Dictionary::Time(std::chrono::microseconds(value.as_object().at(time_key).as_int64()));
        } else {
            entry = value.as_int64();
        }
    }
    return result;
}

template <class E>
E enumerator_at(const json::object& object, std::string_view name, E last) {
    const auto number = object.at(name).as_int64();
    if (number < 0 || number > static_cast<std::int64_t>(last)) throw std::out_of_range("unknown enumerator");
    return static_cast<E>(number);
}

template <class E>
std::int64_t number_of(E enumerator) {
    return static_cast<std::int64_t>(enumerator);
}

/// What is not as it should be throws; then there is nothing.
template <class Read>
auto read_json(std::string_view text, Read read) -> std::optional<decltype(read(json::object()))> {
    try {
        return read(json::parse(json::string_view(text.data(), text.size())).as_object());
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace

std::string to_json(const Question& question) {
    json::array events;
    for (const auto& event : question.events)
        events.push_back(json::object{{"name", event.name}, {"parameter", event.parameter}});
    const auto& reader = question.reader;
    return json::serialize(json::object{{"what", number_of(question.what)},
                                        {"login", reader.login},
                                        {"domain", reader.domain},
                                        {"administrator", reader.administrator},
                                        {"id", question.id},
                                        {"events", std::move(events)}});
}

std::string to_json(const Answer& answer) {
    return json::serialize(json::object{{"state", number_of(answer.state)},
                                        {"outcome", number_of(answer.outcome)},
                                        {"status", json_of(answer.status)},
                                        {"trace", answer.trace}});
}

std::optional<Question> question_from_json(std::string_view text) {
    return read_json(text, [](const json::object& object) {
        Question question;
        question.what = enumerator_at(object, "what", Question::What::events);
        question.reader = {text_at(object, "login"), text_at(object, "domain"),
                           object.at("administrator").as_bool()};
        question.id = text_at(object, "id");
        for (const auto& event : object.at("events").as_array()) {
            question.events.push_back(
                {text_at(event.as_object(), "name"), text_at(event.as_object(), "parameter")});
        }
        return question;
    });
}

std::optional<Answer> answer_from_json(std::string_view text) {
    return read_json(text, [](const json::object& object) {
        Answer answer;
        answer.state = enumerator_at(object, "state", Answer::State::database_unavailable);
        answer.outcome = enumerator_at(object, "outcome", Outcome::not_connected);
        answer.status = dictionary_of(object.at("status").as_object());
        answer.trace = text_at(object, "trace");
        return answer;
    });
}

}  // namespace tasks
