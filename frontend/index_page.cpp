// HTML of the index page.
#include "frontend/index_page.hpp"

namespace frontend {

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string index_page(const soap::Catalogue& catalogue, std::string_view base_url) {
    std::string out =
        "<!doctype html>\n<html lang=\"en\"><head><meta "
        "charset=\"utf-8\"><title>ledgerline</title></head><body>\n"
        "<h1>ledgerline</h1>\n"
        "<p>Parlay X services over SOAP 1.1 and 1.2. Post requests to the URL of an interface and version, "
        "or to "
        "<code>/ParlayX/</code>, where the body says which one is meant. Every request is authenticated "
        "(HTTP "
        "Basic).</p>\n<table>\n<tr><th>interface</th><th>version</th><th>operations</th><th>URL</th>"
        "<th>WSDL</th></tr>\n";
    for (const auto* interface : catalogue.interfaces()) {
        for (const auto& version : interface->versions) {
            std::string operations;
            for (const auto& operation : interface->operations) {
                if (operation.role != soap::Role::served || !operation.versions.contains(version.number))
                    continue;
                operations.append(operations.empty() ? "" : ", ").append(operation.name);
            }
            if (operations.empty()) continue;
            const auto url = escape_html(std::string(base_url) + "/ParlayX/" + std::string(version.name) +
                                         '/' + std::string(interface->name));
            out.append("<tr><td>").append(interface->name).append("</td><td>").append(version.name);
            out.append("</td><td>").append(operations).append("</td><td><code>").append(url);
            out.append("</code></td><td><a href=\"").append(url).append("?wsdl\">?wsdl</a></td></tr>\n");
        }
    }
    return out + "</table>\n</body></html>\n";
}

}  // namespace frontend
