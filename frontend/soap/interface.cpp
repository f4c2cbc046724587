// Finds operations, interfaces and versions by name and namespace.
#include "frontend/soap/interface.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace soap {
namespace {

/// A /local namespace cut at its version segment: `…/amount_charging`, 2.1, `/local`.
struct Cut {
    std::string_view before;
    VersionNumber number;
    std::string_view after;
};

/// `v2_1` as a number; nothing when it is no version.
std::optional<VersionNumber> parse_version(std::string_view segment) {
    if (!segment.starts_with('v')) return std::nullopt;
    VersionNumber number;
    const char* const end = segment.data() + segment.size();
    const auto major = std::from_chars(segment.data() + 1, end, number.major);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '_') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, number.minor);
    if (minor.ec != std::errc{} || minor.ptr != end || number.major < 0 || number.minor < 0)
        return std::nullopt;
    return number;
}

/// Nothing when no segment of the namespace is a version.
std::optional<Cut> cut_at_version(std::string_view name) {
    for (std::size_t at = name.find("/v"); at != std::string_view::npos; at = name.find("/v", at + 1)) {
        const std::size_t end = std::min(name.find('/', at + 1), name.size());
        if (const auto number = parse_version(name.substr(at + 1, end - at - 1)))
            return Cut{name.substr(0, at), *number, name.substr(end)};
    }
    return std::nullopt;
}

/// Is `candidate` the better one to serve `wanted` with? The next higher wins, then the highest below.
bool is_nearer(VersionNumber candidate, VersionNumber best, VersionNumber wanted) {
    if (candidate >= wanted) return best < wanted || candidate < best;
    return best < wanted && candidate > best;
}

}  // namespace

std::optional<VersionNumber> version_in(std::string_view name_space) {
    const auto cut = cut_at_version(name_space);
    return cut ? std::optional(cut->number) : std::nullopt;
}

std::string with_version(std::string_view name_space, VersionNumber number) {
    const auto cut = cut_at_version(name_space);
    if (!cut) return std::string(name_space);
    return std::string(cut->before) + "/v" + std::to_string(number.major) + '_' +
           std::to_string(number.minor) + std::string(cut->after);
}

const OperationTable* Interface::find(const Version& version, std::string_view element) const {
    for (const OperationTable& operation : operations) {
        if (!operation.versions.contains(version.number)) continue;
        if (operation.name == element ||
            std::ranges::find(operation.aliases, element) != operation.aliases.end())
            return &operation;
    }
    return nullptr;
}

Catalogue::Catalogue(std::vector<const Interface*> interfaces) : interfaces_(std::move(interfaces)) {
    for (const Interface* interface : interfaces_) {
        for (const Version& version : interface->versions) {
            const bool added =
                by_namespace_.emplace(std::string(version.local), Endpoint{interface, &version}).second;
            if (!added)
                throw std::invalid_argument("two versions share the namespace " + std::string(version.local));
        }
    }
}

std::optional<Endpoint> Catalogue::find(std::string_view version, std::string_view interface) const {
    for (const Interface* candidate : interfaces_) {
        if (candidate->name != interface) continue;
        for (const Version& listed : candidate->versions)
            if (listed.name == version) return Endpoint{candidate, &listed};
    }
    const auto wanted = parse_version(version);
    std::optional<Endpoint> best;
    for (const Interface* candidate : interfaces_) {
        if (!wanted || candidate->name != interface) continue;
        for (const Version& listed : candidate->versions) {
            if (listed.number.major != wanted->major) continue;
            if (!best || is_nearer(listed.number, best->version->number, *wanted))
                best = Endpoint{candidate, &listed};
        }
    }
    return best;
}

std::optional<Endpoint> Catalogue::resolve(std::string_view local_namespace) const {
    if (const auto found = by_namespace_.find(local_namespace); found != by_namespace_.end())
        return found->second;
    const auto wanted = cut_at_version(local_namespace);
    if (!wanted) return std::nullopt;
    std::optional<Endpoint> best;
    for (const Interface* interface : interfaces_) {
        for (const Version& version : interface->versions) {
            const auto listed = cut_at_version(version.local);
            if (!listed || listed->before != wanted->before || listed->after != wanted->after ||
                listed->number.major != wanted->number.major)
                continue;
            if (!best || is_nearer(version.number, best->version->number, wanted->number))
                best = Endpoint{interface, &version};
        }
    }
    return best;
}

}  // namespace soap
