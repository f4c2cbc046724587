// What is said between us and applications, before anything is sent.
#include "telephony/applications/applications.hpp"

#include <gtest/gtest.h>

namespace {

using applications::Event;

TEST(ApplicationsTest, EventsAreSpelledAsCallEventsSpellsThem) {
    EXPECT_EQ(to_string(Event::busy), "Busy");
    EXPECT_EQ(to_string(Event::not_reachable), "NotReachable");
    EXPECT_EQ(to_string(Event::disconnected), "Disconnected");
    for (const auto event : applications::events) {
        EXPECT_EQ(applications::event_named(to_string(event)), event) << to_string(event);
    }
    EXPECT_EQ(applications::event_named("busy"), std::nullopt);
    EXPECT_EQ(applications::event_named(""), std::nullopt);
}

}  // namespace
