// What a batch waits for when its lane is free.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace ledger {

/// Clients that have their answer ask again. What comes first would be posted alone, and all others behind
/// it, in two calls for one; and a call costs the database much the same whatever it posts. So a batch waits
/// for as many postings as the last one answered: a client by itself never waits, and of four only the first.
class Gathering {
  public:
    using Clock = std::chrono::steady_clock;

    /// A batch of `fill` is worth its call: none waits for more. And nobody is back at once from a database
    /// that took seconds: none waits for longer than `longest`.
    Gathering(std::size_t fill, Clock::duration longest) : fill_(fill), longest_(longest) {}

    /// What became of the last batch.
    void answered(std::size_t postings, Clock::time_point start, Clock::time_point end) {
        wanted_ = std::min(postings, fill_);
        // The one call more that is saved takes as long as the last one, about.
        until_ = end + std::min((end - start) / 2, longest_);
    }

    [[nodiscard]] std::size_t wanted() const { return wanted_; }      ///< so many postings, …
    [[nodiscard]] Clock::time_point until() const { return until_; }  ///< … but not after this time

  private:
    std::size_t fill_;
    Clock::duration longest_;
    std::size_t wanted_ = 1;
    Clock::time_point until_{};
};

}  // namespace ledger
