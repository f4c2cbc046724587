// Pure: of contacts and SIP statuses.
#include "telephony/calls/contact_search.hpp"

#include "telephony/calls/causes.hpp"

#include <algorithm>

namespace calls {

std::vector<std::vector<Contact>> by_preference(const std::vector<Contact>& contacts) {
    std::vector<std::vector<Contact>> groups;
    for (const auto& contact : contacts) {
        if (groups.empty() || groups.back().front().q != contact.q) groups.emplace_back();
        groups.back().push_back(contact);
    }
    std::ranges::reverse(groups);
    return groups;
}

bool everywhere(int status) { return status >= 600; }

int telling_failure(int known, int status, bool rang) {
    const bool better =
        known == 0 || everywhere(status) || (cause_of(status, rang) == Cause::busy && !everywhere(known));
    return better ? status : known;
}

}  // namespace calls
