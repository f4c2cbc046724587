// Identifiers of calls: 128 random bits behind the name of the server's run that has the call, so that any
// other server knows whom to ask.
#pragma once

#include "base/ids.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace calls {

/// Digits of an incarnation (Recorder) that name a run: enough for the few servers on one database.
inline constexpr std::size_t run_digits = 12;

[[nodiscard]] inline std::string new_call_id(std::string_view run) {
    return std::string(run) + '-' + base::random_hex_id();
}

/// The run that an identifier names; empty: none was ever made so.
[[nodiscard]] inline std::string_view run_of(std::string_view id) {
    const auto run = id.substr(0, std::min(id.find('-'), id.size()));
    const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    const bool named = run.size() == run_digits && run.size() < id.size() && std::ranges::all_of(run, digit);
    return named ? run : std::string_view();
}

}  // namespace calls
