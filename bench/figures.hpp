// Rates of several repeats and the ratios between them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace bench {

/// Operations per second of one workload, a figure for each repeat. Ratios are taken repeat by repeat, so
/// that they hold when the machine's speed drifts.
class Figures {
  public:
    void add(const std::string& workload, double per_second) { rates_[workload].push_back(per_second); }
    /// A figure that is no rate, for a section of its own: `parts_us` / `decode`.
    void note(const std::string& section, const std::string& name, double value) {
        notes_[section][name].push_back(value);
    }

    struct Spread {
        double min, median, max;
    };
    [[nodiscard]] Spread rate(const std::string& workload) const;
    [[nodiscard]] Spread ratio(const std::string& workload, const std::string& to) const;

    /// A table for people: every workload's rate, the named ratios, then the sections of notes.
    struct NamedRatio {
        std::string name, workload, to;
    };
    [[nodiscard]] std::string table(const std::vector<NamedRatio>& ratios) const;
    /// `{"rates": {…}, "ratios": {"name": {"min": …, "median": …, "max": …}, …}}`, then each section of notes
    /// in the same form.
    [[nodiscard]] std::string json(const std::vector<NamedRatio>& ratios) const;

  private:
    std::map<std::string, std::vector<double>> rates_;
    std::map<std::string, std::map<std::string, std::vector<double>>> notes_;
};

}  // namespace bench
