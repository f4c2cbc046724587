// Call records: what happened to each call, written in the background.
#pragma once

#include "base/database.hpp"
#include "base/log.hpp"
#include "telephony/calls/call.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <string>

namespace calls {

/// What a record says beside the call's status.
struct RecordFacts {
    std::string id;
    std::string owner;
    std::string hold;    ///< as reservationIdentifier; empty: nothing is charged
    std::string amount;  ///< a decimal number
    std::string unit;
};

/// The record as a JSON object for ledger.record_calls.
[[nodiscard]] std::string record_json(const RecordFacts& facts, const CallStatus& status);

/// One statement at a time carries all records that waited for it; of a call the latest only. When the
/// database is away they wait. Belongs to the executor.
class RecordWriter {
  public:
    RecordWriter(base::Database& database, boost::asio::any_io_executor executor, base::Logger log);

    void put(const RecordFacts& facts, const CallStatus& status);
    /// Tries no more when the database is away, so that the executor's work ends.
    void stop() { stopping_ = true; }

  private:
    boost::asio::awaitable<void> write();

    base::Database& database_;
    boost::asio::any_io_executor executor_;
    base::Logger log_;
    std::map<std::string, std::string> waiting_;  // by id
    bool writing_ = false;
    bool stopping_ = false;
};

}  // namespace calls
