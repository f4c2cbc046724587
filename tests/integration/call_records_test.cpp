// calls::RecordWriter: what becomes of records that the database refuses, and of whoever waits for one.
#include "telephony/calls/records.hpp"

#include "tests/support/ledger_suite.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

using namespace tests;

namespace {

class CallRecords : public LedgerSuite {
  protected:
    static base::Database::Options pool() {
        base::Database::Options options;
        options.session.url = bench().url();
        options.session.statement_timeout = std::chrono::seconds(30);
        return options;
    }

    void put(const std::string& id, const std::string& amount, std::function<void()> safe = {}) {
        calls::RecordFacts facts;
        facts.id = id;
        facts.owner = "alice";
        facts.hold = "hold-of-" + id;
        facts.amount = amount;
        calls::CallStatus status;
        status.parties.resize(2);
        writer_.put(facts, status, std::move(safe));
    }

    /// Until nothing is left to write. What a handler throws, the telephony thread logs.
    void run() {
        try {
            io_.restart();
            io_.run();
        } catch (const std::runtime_error&) {
            io_.run();
        }
    }

    std::string logged() {
        log_.flush();
        std::ifstream file(log_file_);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    static std::string recorded(const std::string& ids) {
        return bench().value(
            "select coalesce(string_agg(call_id || ' ' || settled, ', ' order by call_id), '')"
            " from ledger.call where call_id like '" +
            ids + "%'");
    }

    static base::LogOptions log_options(const std::string& file) {
        std::filesystem::remove(file);
        base::LogOptions options;
        options.file = file;
        return options;
    }

    const std::string log_file_ = (std::filesystem::temp_directory_path() / base::random_hex_id()).string();
    base::Logger log_{log_options(log_file_)};
    base::Database database_{pool()};
    boost::asio::io_context io_;
    calls::RecordWriter writer_{{"sip:node", std::string(32, 'a')}, database_, io_.get_executor(), log_};

    void TearDown() override {
        std::filesystem::remove(log_file_);
        LedgerSuite::TearDown();
    }
};

TEST_F(CallRecords, OneThatIsRefusedIsLostAloneAndTheLogNamesIt) {
    int safe = 0;
    const auto count = [&safe] { ++safe; };
    put("bad-1", "1.5", count);
    put("bad-2", "no number", count);
    put("bad-3", "2", count);
    writer_.settled("bad-3");
    run();
    EXPECT_EQ(recorded("bad-"), "bad-1 false, bad-3 true");
    EXPECT_EQ(safe, 3) << "a call waits for a record that can never be";
    const auto log = logged();
    EXPECT_NE(log.find(R"("msg":"a call record is lost","call":"bad-2")"), std::string::npos) << log;
    EXPECT_EQ(log.find("wait"), std::string::npos) << log;
}

TEST_F(CallRecords, AreWrittenAlsoAfterOneThatWaitedForItsRecordFailed) {
    bool safe = false;
    put("safe-1", "1", [] { throw std::runtime_error("no more"); });
    put("safe-2", "1", [&safe] { safe = true; });
    run();
    EXPECT_TRUE(safe);
    put("safe-3", "1");
    run();
    EXPECT_EQ(recorded("safe-"), "safe-1 false, safe-2 false, safe-3 false");
}

TEST_F(CallRecords, WaitWhereTheyAreNotAtFault) {
    auto owner = bench().session();
    owner.exec("alter function ledger.record_calls rename to record_calls_away");
    put("right-1", "1");
    io_.restart();
    io_.run_for(std::chrono::milliseconds(500));
    EXPECT_EQ(recorded("right-"), "");
    owner.exec("alter function ledger.record_calls_away rename to record_calls");
    run();
    EXPECT_EQ(recorded("right-"), "right-1 false");
    EXPECT_NE(logged().find("call records wait"), std::string::npos);
}

TEST_F(CallRecords, ThoseOfALongTimeAreNoSingleStatement) {
    constexpr int many = 2'500;
    auto owner = bench().session();
    owner.exec("alter function ledger.record_calls rename to record_calls_away");
    for (int number = 0; number < many; ++number) {
        put("many-" + std::to_string(number), "1");
        writer_.settled("many-" + std::to_string(number));
    }
    EXPECT_FALSE(writer_.full());
    io_.restart();
    io_.run_for(std::chrono::milliseconds(500));
    owner.exec(
        "create function ledger.record_calls(p_calls jsonb, p_settled text[], p_node text, p_incarnation "
        "uuid)"
        " returns void language plpgsql as $$ begin"
        " if greatest(jsonb_array_length(p_calls), cardinality(p_settled)) > 1000 then"
        " raise query_canceled; end if;"
        " perform ledger.record_calls_away(p_calls, p_settled, p_node, p_incarnation); end $$");
    owner.exec("grant execute on function ledger.record_calls to public");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    io_.restart();
    io_.run_until(deadline);
    owner.exec("drop function ledger.record_calls");
    owner.exec("alter function ledger.record_calls_away rename to record_calls");
    EXPECT_EQ(bench().value("select count(*) from ledger.call where call_id like 'many-%' and settled"),
              std::to_string(many));
}

TEST_F(CallRecords, SayWhenThereAreTooMany) {
    calls::RecordWriter writer({"sip:node", std::string(32, 'a')}, database_, io_.get_executor(), log_, 2);
    calls::CallStatus status;
    status.parties.resize(2);
    for (const auto* id : {"full-1", "full-1", "full-2"}) {
        EXPECT_FALSE(writer.full());
        calls::RecordFacts facts;
        facts.id = id;
        writer.put(facts, status);
    }
    EXPECT_TRUE(writer.full());
    run();
    EXPECT_FALSE(writer.full());
}

}  // namespace
