// Validates documents by schemas, for tests in other languages:
//
//     validate_messages SCHEMA... -- DOCUMENT...
//
// Schemas come after those that they import. Prints what is wrong with each document; exit status 1:
// something is.
#include "frontend/soap/envelope.hpp"
#include "tests/support/schema_validator.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int validate(const std::vector<std::string>& arguments) {
    std::vector<std::string> schemas;
    auto argument = arguments.begin();
    for (; argument != arguments.end() && *argument != "--"; ++argument) schemas.push_back(read(*argument));
    if (argument == arguments.end() || argument + 1 == arguments.end()) {
        throw std::runtime_error("usage: validate_messages SCHEMA... -- DOCUMENT...");
    }
    const soap::XmlRuntime runtime;
    test::SchemaValidator validator(schemas);
    int status = 0;
    while (++argument != arguments.end()) {
        if (const auto complaint = validator.check(read(*argument))) {
            std::cout << *argument << ": " << *complaint << '\n';
            status = 1;
        }
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return validate({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
