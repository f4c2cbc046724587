// What a task is asked and told, and what it answers, here or from another node.
#pragma once

#include "telephony/calls/reader.hpp"
#include "telephony/tasks/task.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tasks {

struct Question {
    enum class What : std::uint8_t { status, trace, events };
    What what = What::status;
    calls::Reader reader;
    std::string id;                      ///< the task's
    std::vector<TaskEvent> events = {};  ///< one after the other, until one is not done
};

struct Answer {
    enum class State : std::uint8_t {
        unknown,               ///< no such task, or not for this reader
        known,                 ///< the rest says more
        node_unavailable,      ///< the node that has it does not answer now
        database_unavailable,  ///< nobody can say which node that is
    };
    State state = State::unknown;
    Outcome outcome = Outcome::done;  ///< of events
    Dictionary status{};
    std::string trace{};
};

/// As JSON, for other nodes. Nothing for what is none.
[[nodiscard]] std::string to_json(const Question& question);
[[nodiscard]] std::string to_json(const Answer& answer);
[[nodiscard]] std::optional<Question> question_from_json(std::string_view text);
[[nodiscard]] std::optional<Answer> answer_from_json(std::string_view text);

}  // namespace tasks
