// Slows down who guesses: failed authentications are counted by login and by address.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace auth {

/// Thread-safe. A guesser does not lock out who works: what is right and remembered is never asked here, and
/// a login that was right from an address a while ago has a count of its own there.
class Throttle {
  public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        std::size_t per_login = 10;     ///< failures in a window; 0: any number
        std::size_t per_address = 100;  ///< failures in a window; 0: any number
        Clock::duration window = std::chrono::minutes(1);
        Clock::duration works_for = std::chrono::minutes(5);  ///< since a login was right from an address
        std::size_t entries_max = 65536;                      ///< logins and addresses that are counted
    };
    explicit Throttle(Options options) : options_(options) {}

    /// May another try be made now?
    [[nodiscard]] bool allows(std::string_view login, std::string_view address, Clock::time_point now);
    void failed(std::string_view login, std::string_view address, Clock::time_point now);
    /// This login was right from this address.
    void worked(std::string_view login, std::string_view address, Clock::time_point now);
    /// How long the last refusal of this address holds; zero when it holds no more.
    [[nodiscard]] Clock::duration refused_for(std::string_view address, Clock::time_point now);

  private:
    struct Count {
        std::size_t failures = 0;
        Clock::time_point ends;
    };
    using Counts = std::unordered_map<std::string, Count>;
    struct Working {
        Clock::time_point ends;
        Count count;  ///< of failures since it works
    };

    void add(Counts& counts, std::string_view key, Clock::time_point now) const;
    void count(Count& count, Clock::time_point now) const;
    [[nodiscard]] Working* working(std::string_view login, std::string_view address, Clock::time_point now);

    Options options_;
    std::mutex mutex_;
    Counts logins_, addresses_;
    std::unordered_map<std::string, Working> working_;            ///< logins with an address
    std::unordered_map<std::string, Clock::time_point> refused_;  ///< addresses, and until when
};

}  // namespace auth
