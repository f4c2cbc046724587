// Writes example requests.
#include "frontend/soap/sample.hpp"

#include "frontend/soap/names.hpp"
#include "frontend/soap/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace soap {
namespace {

/// Values that mean something, by element name: those of the demo data.
constexpr std::array known_values{
    std::pair<std::string_view, std::string_view>{"amount", "1.50"},
    std::pair<std::string_view, std::string_view>{"currency", "EUR"},
    std::pair<std::string_view, std::string_view>{"description", "an example"},
    std::pair<std::string_view, std::string_view>{"billingText", "an example"},
    std::pair<std::string_view, std::string_view>{"referenceCode", "example-1"},
    std::pair<std::string_view, std::string_view>{"percent", "100"},
    std::pair<std::string_view, std::string_view>{"calledParty", "tel:+15550002"},
    std::pair<std::string_view, std::string_view>{"endpoint", "http://127.0.0.1:9080/notifications"},
};

std::string_view known_value(std::string_view name) {
    const auto* const found =
        std::ranges::find(known_values, name, [](const auto& each) { return each.first; });
    return found == known_values.end() ? std::string_view() : found->second;
}

std::string_view example_of(const Field& field) {
    const Type& type = *field.type;
    if (const auto known = known_value(field.name); !known.empty()) return known;
    if (type.kind == Kind::enumeration) return type.literals.front();
    if (&type == &xsd::any_uri) return "tel:+15550001";
    if (&type == &xsd::decimal) return "1.5";
    if (&type == &xsd::int_ || &type == &xsd::long_) return "1";
    if (&type == &xsd::boolean) return "false";
    if (&type == &xsd::date_time) return "2030-01-01T00:00:00Z";
    return "example";
}

class SampleWriter {
  public:
    explicit SampleWriter(const Version& version) : version_(version) {}

    std::string write(const OperationTable& operation) {
        out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"";
        out_.append(names::envelope_1_1).append("\">\n  <soap:Body>\n    <m:").append(operation.name);
        out_.append(" xmlns:m=\"");
        append_escaped_attribute(version_.local, out_);
        out_ += "\">\n";
        members(*operation.request, 3);
        out_.append("    </m:").append(operation.name).append(">\n  </soap:Body>\n</soap:Envelope>\n");
        return std::move(out_);
    }

  private:
    std::string& indent(std::size_t depth) { return out_.append(2 * depth, ' '); }

    void members(const Type& type, std::size_t depth) {
        const auto number = type.home == Home::common ? version_.common_number : version_.number;
        for (const Field& field : type.fields) {
            if (!field.versions.contains(number)) continue;
            if (field.min == 0 && known_value(field.name).empty()) {
                indent(depth).append("<!-- optional: ").append(field.name).append(" (");
                out_.append(field.type->name).append(field.max > 1 ? "), may be repeated -->\n" : ") -->\n");
                continue;
            }
            const auto times = std::max<std::uint32_t>(1, field.min);
            for (std::uint32_t i = 0; i < times; ++i) member(type, field, depth);
        }
    }

    void member(const Type& parent, const Field& field, std::size_t depth) {
        const std::string name = (parent.home == Home::local ? "m:" : "") + std::string(field.name);
        indent(depth).append("<").append(name).append(">");
        if (field.type->kind == Kind::complex) {
            out_ += '\n';
            members(*field.type, depth + 1);
            indent(depth);
        } else {
            append_escaped(example_of(field), out_);
        }
        out_.append("</").append(name).append(">\n");
    }

    const Version& version_;
    std::string out_;
};

}  // namespace

std::optional<std::string> sample_request(const Endpoint& endpoint, std::string_view operation) {
    const auto* const found = endpoint.interface->find(*endpoint.version, operation);
    if (found == nullptr) return std::nullopt;
    return SampleWriter(*endpoint.version).write(*found);
}

}  // namespace soap
