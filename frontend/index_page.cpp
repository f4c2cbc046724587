// HTML of the index page.
#include "frontend/index_page.hpp"

namespace frontend {
namespace {

/// Text for an HTML element or a quoted attribute.
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

constexpr std::string_view page_start = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ledgerline</title><style>
body { font: 16px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em }
table { border-collapse: collapse } td, th { border-top: 1px solid #bbb; padding: .3em .8em }
td, th { text-align: left; vertical-align: top } pre { background: #f2f2f2; overflow-x: auto; padding: 1em }
</style></head><body>
<h1>ledgerline</h1>
<p>Parlay X services over SOAP 1.1 and 1.2. POST a request to the URL of its interface and version, or to
<code>/ParlayX/</code>, where the body says which one is meant. Every request is authenticated.
An operation's link is an example request.</p>
)";

std::string link(const std::string& url, std::string_view text) {
    return "<a href=\"" + url + "\">" + std::string(text) + "</a>";
}

/// The operations that we serve, or call, in a version, with a link to an example of each.
std::string operation_links(const soap::Interface& interface, const soap::Version& version, soap::Role role,
                            const std::string& url) {
    std::string links;
    for (const auto& operation : interface.operations) {
        if (operation.role != role || !operation.versions.contains(version.number)) continue;
        if (!links.empty()) links += ", ";
        links += link(url + "?sample=" + std::string(operation.name), operation.name);
    }
    return links;
}

/// A row for each version of each interface with operations of that role.
std::string rows(const soap::Catalogue& catalogue, const std::string& base, soap::Role role) {
    std::string out;
    for (const auto* interface : catalogue.interfaces()) {
        for (const auto& version : interface->versions) {
            const auto url =
                base + "/ParlayX/" + std::string(version.name) + '/' + std::string(interface->name);
            const auto operations = operation_links(*interface, version, role, url);
            if (operations.empty()) continue;
            out.append("<tr><td>").append(interface->name).append("</td><td>").append(version.name);
            out.append("</td><td>").append(operations).append("</td><td>");
            out.append(link(url + "?wsdl", "WSDL")).append("</td>");
            if (role == soap::Role::served) out.append("<td><code>").append(url).append("</code></td>");
            out += "</tr>\n";
        }
    }
    return out;
}

std::string curl_example(const soap::Catalogue& catalogue, const std::string& base) {
    for (const auto* interface : catalogue.interfaces()) {
        for (const auto& operation : interface->operations) {
            if (operation.role != soap::Role::served) continue;
            const auto& version = interface->versions.back();
            if (!operation.versions.contains(version.number)) continue;
            const auto url =
                base + "/ParlayX/" + std::string(version.name) + '/' + std::string(interface->name);
            return "<h2>Try it</h2>\n<pre>curl -s '" + url + "?sample=" + std::string(operation.name) +
                   "' |\n  curl -u USER:PASSWORD -H 'Content-Type: text/xml; charset=utf-8' --data-binary "
                   "@- " +
                   url + "</pre>\n";
        }
    }
    return {};
}

}  // namespace

std::string index_page(const soap::Catalogue& catalogue, std::string_view base_url) {
    const auto base = escape_html(base_url);
    std::string out(page_start);
    out +=
        "<h2>Services</h2>\n<table>\n<tr><th>interface</th><th>version</th><th>operations</"
        "th><th>description</th>"
        "<th>URL</th></tr>\n";
    out += rows(catalogue, base, soap::Role::served);
    out +=
        "</table>\n<p>Another minor version of a listed major one is served like the nearest one here.</p>\n";
    if (const auto called = rows(catalogue, base, soap::Role::called); !called.empty()) {
        out +=
            "<h2>What applications serve</h2>\n<p>Notifications call these at the application's "
            "endpoint.</p>\n"
            "<table>\n<tr><th>interface</th><th>version</th><th>operations</th><th>description</th></tr>\n";
        out += called + "</table>\n";
    }
    return out + curl_example(catalogue, base) + "</body></html>\n";
}

}  // namespace frontend
