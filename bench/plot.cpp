// Writes SVG by hand: two lines, two axes.
#include "bench/plot.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace bench {
namespace {

constexpr double left = 80, right = 700, top = 50, bottom = 360;

class Plot {
  public:
    Plot(double rows_min, double rows_max, double rate_max)
        : rows_from_(std::floor(std::log10(rows_min))),
          rows_to_(std::max(std::ceil(std::log10(rows_max)), rows_from_ + 1)) {
        const auto power = std::pow(10, std::floor(std::log10(rate_max)));
        step_ = power * (rate_max / power > 5 ? 2 : rate_max / power > 2 ? 1 : 0.5);
        rate_to_ = std::ceil(rate_max / step_) * step_;
    }

    void draw_axes() {
        for (auto power = rows_from_; power <= rows_to_; ++power) {
            const auto at = x(std::pow(10, power));
            line(at, top, at, bottom);
            text(at, bottom + 20, "middle", "10^" + number(power));
        }
        for (double rate = 0; rate <= rate_to_; rate += step_) {
            line(left, y(rate), right, y(rate));
            text(left - 8, y(rate) + 4, "end", number(rate));
        }
        text((left + right) / 2, bottom + 42, "middle", "journal rows");
    }

    template <class Rate>
    void draw_curve(const std::vector<GrowthPoint>& points, Rate rate, std::string_view color,
                    std::string_view name, double legend) {
        svg_ << "<polyline fill='none' stroke-width='2' stroke='" << color << "' points='";
        for (const auto& point : points)
            svg_ << x(static_cast<double>(point.journal_rows)) << ',' << y(point.*rate) << ' ';
        svg_ << "'/>\n<g fill='" << color << "'>";
        for (const auto& point : points)
            svg_ << "<circle r='4' cx='" << x(static_cast<double>(point.journal_rows)) << "' cy='"
                 << y(point.*rate) << "'/>";
        text(legend, top - 20, "start", name);
        svg_ << "</g>\n";
    }

    [[nodiscard]] std::string svg() const {
        return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 740 420' font-family='sans-serif' "
               "font-size='13'>\n<rect width='740' height='420' fill='white'/>\n" +
               svg_.str() + "</svg>\n";
    }

  private:
    [[nodiscard]] double x(double rows) const {
        return left + (right - left) * (std::log10(rows) - rows_from_) / (rows_to_ - rows_from_);
    }
    [[nodiscard]] double y(double rate) const { return bottom - (bottom - top) * rate / rate_to_; }
    void line(double x1, double y1, double x2, double y2) {
        svg_ << "<line stroke='#ddd' x1='" << x1 << "' y1='" << y1 << "' x2='" << x2 << "' y2='" << y2
             << "'/>\n";
    }
    void text(double at_x, double at_y, std::string_view anchor, std::string_view content) {
        svg_ << "<text x='" << at_x << "' y='" << at_y << "' text-anchor='" << anchor << "'>" << content
             << "</text>\n";
    }
    static std::string number(double value) {
        std::ostringstream out;
        out << static_cast<long long>(std::llround(value));
        return out.str();
    }

    double rows_from_, rows_to_, rate_to_ = 1, step_ = 1;
    std::ostringstream svg_;
};

}  // namespace

std::string growth_plot(const std::vector<GrowthPoint>& points) {
    if (points.empty()) throw std::logic_error("nothing to plot");
    double rate_max = 1;
    for (const auto& point : points)
        rate_max = std::max({rate_max, point.posted_per_second, point.charged_per_second});
    Plot plot(static_cast<double>(points.front().journal_rows),
              static_cast<double>(points.back().journal_rows), rate_max);
    plot.draw_axes();
    plot.draw_curve(points, &GrowthPoint::posted_per_second, "#1f77b4", "post_batch per second", left);
    plot.draw_curve(points, &GrowthPoint::charged_per_second, "#d62728", "SOAP charges per second",
                    left + 200);
    return plot.svg();
}

}  // namespace bench
