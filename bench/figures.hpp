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

    struct Spread {
        double min, median, max;
    };
    [[nodiscard]] Spread rate(const std::string& workload) const;
    [[nodiscard]] Spread ratio(const std::string& workload, const std::string& to) const;

    /// A table for people: every workload's rate, then the named ratios.
    struct NamedRatio {
        std::string name, workload, to;
    };
    [[nodiscard]] std::string table(const std::vector<NamedRatio>& ratios) const;
    /// `{"rates": {…}, "ratios": {"name": {"min": …, "median": …, "max": …}, …}}`
    [[nodiscard]] std::string json(const std::vector<NamedRatio>& ratios) const;

  private:
    std::map<std::string, std::vector<double>> rates_;
};

}  // namespace bench
