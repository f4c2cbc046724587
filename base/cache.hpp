// A bounded cache by text that forgets what was not asked for lately.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace base {

/// Two generations: the young one takes what is added or found; when it is full it becomes the old one, and
/// the old one goes. At most `capacity` values; a hit costs one or two hash look-ups and no list.
template <class Value>
class GenerationCache {
  public:
    explicit GenerationCache(std::size_t capacity) : half_(capacity / 2 > 0 ? capacity / 2 : 1) {}

    /// Null when it is not here. Valid until the next call.
    const Value* find(std::string_view key) {
        if (const auto young = young_.find(key); young != young_.end()) return &young->second;
        const auto old = old_.find(key);
        if (old == old_.end()) return nullptr;
        auto node = old_.extract(old);
        make_room();
        return &young_.insert(std::move(node)).position->second;
    }

    void put(std::string key, Value value) {
        old_.erase(key);
        make_room();
        young_.insert_or_assign(std::move(key), std::move(value));
    }

    void erase(std::string_view key) {
        if (const auto young = young_.find(key); young != young_.end()) young_.erase(young);
        if (const auto old = old_.find(key); old != old_.end()) old_.erase(old);
    }

    void clear() {
        young_.clear();
        old_.clear();
    }

    [[nodiscard]] std::size_t size() const { return young_.size() + old_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    using Generation = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

    void make_room() {
        if (young_.size() < half_) return;
        old_ = std::move(young_);
        young_ = Generation();
    }

    std::size_t half_;
    Generation young_, old_;
};

}  // namespace base
