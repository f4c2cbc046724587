// What calls need from a mixer of their parties' media. telephony/media implements it.
#pragma once

#include "telephony/calls/signalling.hpp"

#include <string>

namespace calls {

/// Parties of the same call hear each other, each all others and not itself. Everything is called on the
/// calls' executor and returns at once.
class Bridge {
  public:
    virtual ~Bridge() = default;
    /// Whether it can be asked now.
    [[nodiscard]] virtual bool available() const = 0;
    /// Mixes the party that this description (an offer) is of with the others of its call. Answered in the
    /// event sink, in bounded time: by Joined, or by Unbridged. Unbridged may follow Joined; the leg is not
    /// on the bridge then, and may ask again.
    /// Of one that is muted nobody hears what it says; its description lets it say something all the same, as
    /// mixers send nothing to who sends nothing.
    virtual void join(LegId leg, std::string offer, bool muted) = 0;
    /// Plays this to all that are mixed of this call, instead of what it played before. It ends with the
    /// last one's leaving.
    virtual void play(CallNo call, Tone tone) = 0;
    /// Nothing is reported of the leg from now on, but what is on its way.
    virtual void leave(LegId leg) = 0;
};

}  // namespace calls
