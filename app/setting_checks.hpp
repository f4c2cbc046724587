// What is wrong with the texts of settings that have a form of their own; nothing when they are right.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace app {

/// ADDRESS:PORT.
[[nodiscard]] std::optional<std::string> check_listen(std::string_view text);
/// ADDRESS:PORT, or empty.
[[nodiscard]] std::optional<std::string> check_optional_listen(std::string_view text);
/// The URL of a server, or empty.
[[nodiscard]] std::optional<std::string> check_node_url(std::string_view text);
/// The URL of a server, which may end with a slash, or empty.
[[nodiscard]] std::optional<std::string> check_public_url(std::string_view text);
/// libpq's URI of a database, or its NAME=VALUE pairs.
[[nodiscard]] std::optional<std::string> check_database_url(std::string_view text);
/// What the embedded PostgreSQL would not start with, which says so in its own log only.
[[nodiscard]] std::optional<std::string> check_shared_buffers(std::string_view text);
[[nodiscard]] std::optional<std::string> check_wal_size(std::string_view text);
[[nodiscard]] std::optional<std::string> check_digits(std::string_view text);
/// A list of networks.
[[nodiscard]] std::optional<std::string> check_networks(std::string_view text);
/// A list of logins, with or without their domain.
[[nodiscard]] std::optional<std::string> check_logins(std::string_view text);
[[nodiscard]] std::optional<std::string> check_domain(std::string_view text);
/// The name of a realm, which stands between quotes in headers.
[[nodiscard]] std::optional<std::string> check_realm(std::string_view text);

}  // namespace app
