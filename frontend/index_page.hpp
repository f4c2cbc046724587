// The page at GET /ParlayX/: what is served here, for people.
#pragma once

#include "frontend/soap/interface.hpp"

#include <string>
#include <string_view>

namespace frontend {

/// HTML that lists interfaces and versions with their URLs under `base_url` (no slash at its end) and WSDLs.
[[nodiscard]] std::string index_page(const soap::Catalogue& catalogue, std::string_view base_url);

}  // namespace frontend
