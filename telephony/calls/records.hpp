// Call records: what happened to each call, written in the background.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "base/sql.hpp"
#include "telephony/calls/call.hpp"
#include "telephony/calls/call_id.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace calls {

/// What a record says beside the call's status.
struct RecordFacts {
    std::string id;
    std::string owner;
    bool inbound = false;  ///< it came from outside
    std::string called{};  ///< of such a call: what the caller called
    std::string hold;      ///< as reservationIdentifier; empty: nothing is charged
    std::string amount;    ///< a decimal number; empty: by time
    std::string unit;
    // Of the hold's postings, so that a later server can make them with the same key.
    std::string reference;
    std::string description;
    std::string code;
};

/// Whose calls are recorded. Of two servers with one name at most one runs at a time.
struct Recorder {
    std::string node;
    std::string incarnation;  ///< 32 hexadecimal digits, new at each start

    /// As call_id.hpp has it.
    [[nodiscard]] std::string run() const { return incarnation.substr(0, run_digits); }
};

/// A call that no server has any more, as its record says it ended, or ends now.
struct RecordedCall {
    std::string owner;
    CallStatus status;
};

/// Runs in the database. Nothing: there is no such record, or it ended longer ago than `linger`.
[[nodiscard]] std::optional<RecordedCall> recorded_call(base::sql::Session& session, const std::string& id,
                                                        std::chrono::milliseconds linger);

/// The record as a JSON object for ledger.record_calls.
[[nodiscard]] std::string record_json(const RecordFacts& facts, const CallStatus& status);

/// One statement at a time carries the records that waited for it; of a call the latest only. When the
/// database is away they wait; those of a statement that it refuses are written one by one, so that only what
/// it refuses is lost. Belongs to the executor.
class RecordWriter {
  public:
    RecordWriter(Recorder recorder, base::Database& database, boost::asio::any_io_executor executor,
                 base::Logger log, std::size_t waiting_max = 100'000);

    /// So many wait that no new call should be begun.
    [[nodiscard]] bool full() const { return waiting_.records.size() >= waiting_max_; }

    /// `safe` is called once the record is in the database, or can never be.
    void put(const RecordFacts& facts, const CallStatus& status, std::function<void()> safe = {});
    /// The hold of this call was charged or given back.
    void settled(const std::string& id);
    /// Tries no more when the database is away, so that the executor's work ends.
    void stop() { stopping_ = true; }

  private:
    /// What is to be written.
    struct Batch {
        std::map<std::string, std::string> records;  // by id
        std::vector<std::string> settled;
        std::vector<std::function<void()>> safe;

        [[nodiscard]] bool empty() const { return records.empty() && settled.empty(); }
    };

    /// Why something is not in the database.
    struct Failed {
        std::string why;
        bool refused;  ///< and will be each time; else the database is away
    };

    void start_writing();
    boost::asio::awaitable<void> write();
    boost::asio::awaitable<bool> write_whole(Batch& batch);
    boost::asio::awaitable<bool> write_singly(Batch& batch);
    boost::asio::awaitable<std::optional<Failed>> attempt(const Batch& batch);
    [[nodiscard]] base::sql::Params parameters(const Batch& batch) const;
    static Batch take_part(Batch& batch);
    void put_back(Batch batch);
    void call_safe(const Batch& batch) const;

    Recorder recorder_;
    base::Database& database_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    std::size_t waiting_max_;
    Batch waiting_;
    bool writing_ = false;
    bool stopping_ = false;
};

}  // namespace calls
