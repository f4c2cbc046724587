// Each connection is kept by a reference until it is found closed.
#include "telephony/sip/flows.hpp"

#include <sofia-sip/tport.h>

#include <random>

namespace sip {
namespace {

bool usable(const tport_t* connection) {
    return ::tport_is_closed(connection) == 0 && ::tport_is_shutdown(connection) == 0;
}

}  // namespace

Flows::Flows() {
    std::random_device random;
    // Positive as PostgreSQL's bigint, with room to count.
    last_ = (std::uint64_t{random()} & 0x3fffffff) << 32;
}

std::uint64_t Flows::keep(tport_s* connection) {
    const auto known = numbers_.find(connection);
    if (known != numbers_.end() && usable(connection)) {
        ::tport_unref(connection);
        return known->second;
    }
    std::erase_if(connections_, [&](const auto& entry) {
        if (usable(entry.second)) return false;
        numbers_.erase(entry.second);
        ::tport_unref(entry.second);
        return true;
    });
    connections_[++last_] = connection;
    numbers_[connection] = last_;
    return last_;
}

tport_s* Flows::find(std::uint64_t flow) const {
    const auto found = connections_.find(flow);
    return found != connections_.end() && usable(found->second) ? found->second : nullptr;
}

void Flows::clear() {
    for (const auto& [flow, connection] : connections_) ::tport_unref(connection);
    connections_.clear();
    numbers_.clear();
}

}  // namespace sip
