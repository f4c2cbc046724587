// calls::LocatedSignalling beside a real directory: what it says of legs when the server stops.
#include "telephony/calls/located_signalling.hpp"

#include "frontend/auth/secrets.hpp"
#include "tests/support/ledger_suite.hpp"
#include "tests/support/no_signalling.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstdint>
#include <string>

using namespace tests;

namespace {

/// Counts the legs that are invited.
class CountingSignalling final : public NoSignalling {
  public:
    int invited = 0;

    void invite(calls::LegId, calls::Invitation) override { ++invited; }
};

class LocatedSignalling : public LedgerSuite {};

TEST_F(LocatedSignalling, SaysNothingOfALegThatIsLookedUpWhenItStops) {
    base::Database::Options pool;
    pool.session.url = bench().url();
    pool.session.statement_timeout = std::chrono::seconds(30);
    base::Database database(pool);
    boost::asio::io_context io;
    CountingSignalling network;
    calls::Locations locations({"sip:node", std::string(32, 'a')},
                               calls::FlowRoutes(auth::SecretBox(std::array<std::uint8_t, 32>{})), database,
                               io.get_executor(), 10, base::Logger());
    int reported = 0;
    calls::LocatedSignalling located(
        {}, ledger(), locations, network, [&](calls::CallNo, calls::Event) { ++reported; },
        [](calls::CallNo, calls::Signal) {}, io.get_executor());
    calls::Invitation invitation;
    invitation.target = bench().address_of(account_);
    located.invite({1, 0}, invitation);
    io.run();
    ASSERT_EQ(reported, 1) << "nobody is registered there";
    io.restart();
    ledger().forget_all_addresses();
    located.invite({2, 0}, invitation);
    invitation.target = "sip:nobody@elsewhere.example";
    located.invite({3, 0}, invitation);
    located.clear();
    io.run();
    EXPECT_EQ(reported, 1) << "whoever heard that is gone by then";
    EXPECT_EQ(network.invited, 0);
}

}  // namespace
