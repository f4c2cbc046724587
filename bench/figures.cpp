// Prints figures for people and programs.
#include "bench/figures.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <stdexcept>

namespace bench {
namespace {

Figures::Spread spread_of(std::vector<double> values) {
    if (values.empty()) throw std::logic_error("no figures");
    std::ranges::sort(values);
    return {values.front(), values[values.size() / 2], values.back()};
}

boost::json::object to_json(const Figures::Spread& spread) {
    return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

std::string row(const std::string& name, const Figures::Spread& spread, int decimals) {
    char text[160];
    std::snprintf(text, sizeof text, "%-28s %12.*f %12.*f %12.*f\n", name.c_str(), decimals, spread.min,
                  decimals, spread.median, decimals, spread.max);
    return text;
}

}  // namespace

Figures::Spread Figures::rate(const std::string& workload) const { return spread_of(rates_.at(workload)); }

Figures::Spread Figures::ratio(const std::string& workload, const std::string& to) const {
    const auto& upper = rates_.at(workload);
    const auto& lower = rates_.at(to);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(upper.size(), lower.size()); ++i)
        ratios.push_back(upper[i] / lower[i]);
    return spread_of(std::move(ratios));
}

std::string Figures::table(const std::vector<NamedRatio>& ratios) const {
    std::string text = "per second                            min       median          max\n";
    for (const auto& [workload, values] : rates_) text += row(workload, spread_of(values), 0);
    text += "ratios, repeat by repeat\n";
    for (const auto& named : ratios) text += row(named.name, ratio(named.workload, named.to), 2);
    for (const auto& [section, figures] : notes_) {
        text += section + '\n';
        for (const auto& [name, values] : figures) text += row(name, spread_of(values), 2);
    }
    return text;
}

std::string Figures::json(const std::vector<NamedRatio>& ratios) const {
    boost::json::object all, rates, named_ratios;
    for (const auto& [workload, values] : rates_) rates[workload] = to_json(spread_of(values));
    for (const auto& named : ratios) named_ratios[named.name] = to_json(ratio(named.workload, named.to));
    all["rates"] = std::move(rates);
    all["ratios"] = std::move(named_ratios);
    for (const auto& [section, figures] : notes_) {
        boost::json::object notes;
        for (const auto& [name, values] : figures) notes[name] = to_json(spread_of(values));
        all[section] = std::move(notes);
    }
    return boost::json::serialize(all);
}

}  // namespace bench
