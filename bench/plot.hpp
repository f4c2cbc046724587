// The curve of growth as a picture.
#pragma once

#include "bench/growth.hpp"

#include <string>
#include <vector>

namespace bench {

/// An SVG: journal rows on a logarithmic axis, charges and postings a second from 0 up.
[[nodiscard]] std::string growth_plot(const std::vector<GrowthPoint>& points);

}  // namespace bench
