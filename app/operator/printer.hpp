// What a command has to say: sentences and tables for people, one JSON value for programs.
#pragma once

#include "app/operator/refused.hpp"
#include "app/operator/table.hpp"

#include <boost/json/object.hpp>
#include <iostream>
#include <string>
#include <string_view>

namespace app {

/// What people read behind the sentence of a request that was answered as the first time.
inline constexpr std::string_view done_before =
    "This was done before under the same reference; nothing was posted now.";

/// Results go to standard output; what people read beside them goes to standard error.
class Printer {
  public:
    explicit Printer(bool as_json, std::ostream& results = std::cout)
        : as_json_(as_json), results_(&results) {}

    [[nodiscard]] bool as_json() const { return as_json_; }

    /// Something was done. Programs get the facts behind `outcome`.
    void done(std::string_view sentence, boost::json::object facts = {},
              std::string_view outcome = "done") const;
    /// A request was posted, or was once before.
    void posted(std::string sentence, boost::json::object facts, bool replayed) const;
    /// Several lines for people; programs get the facts.
    void report(std::string_view lines, boost::json::object facts) const;
    /// A list; `none` is what people read instead of an empty one.
    void list(const Table& table, std::string_view none) const;
    /// The one row of `record`, and what belongs to it under the name `parts_name`.
    void record(const Table& record, std::string_view parts_name, const Table& parts) const;
    /// Something beside the result.
    static void note(std::string_view text);
    void refused(const Refused& refusal) const;

  private:
    bool as_json_;
    std::ostream* results_;
};

}  // namespace app
