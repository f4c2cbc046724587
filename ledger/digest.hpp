// What two requests with one key are compared by.
#pragma once

#include "base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledger {

/// Collects fields so that no two different lists give the same bytes: each has its length or a fixed one.
class Fields {
  public:
    void add(std::string_view text);
    void add(std::int64_t number);
    void add(const base::Id128& digest);
    template <class T>
    void add(const std::optional<T>& value) {
        bytes_ += value ? '\1' : '\0';
        if (value) add(*value);
    }
    /// BLAKE2b-128 over what was added.
    [[nodiscard]] base::Id128 digest() const;

  private:
    std::string bytes_;
};

}  // namespace ledger
