// docs/faults.md: which cause gives which fault, made from the services' tables.
#pragma once

#include <string>

namespace app {

[[nodiscard]] std::string faults_document();

}  // namespace app
