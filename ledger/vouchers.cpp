// Redeems vouchers.
#include "ledger/digest.hpp"
#include "ledger/ledger.hpp"
#include "ledger/voucher_code.hpp"

#include <utility>

namespace asio = boost::asio;

namespace ledger {

asio::awaitable<Result<Receipt>> Ledger::redeem(Redeem request) {
    Posting posting;
    posting.account = std::move(request.account);
    request.origin.description.clear();
    request.origin.code.clear();
    if (const auto refusal = prepare(posting, request.origin)) co_return *refusal;
    const auto application = co_await known(std::move(request.origin.application));
    if (!application) co_return application.error();
    // Only hashes leave this function: the database's logs may show parameters.
    const auto hash = voucher_hash(request.code);
    std::optional<std::string> pin_hash;
    if (request.pin && !request.pin->empty()) pin_hash = voucher_pin_hash(request.code, *request.pin);
    Fields fields;
    fields.add(posting.account->id);
    fields.add(std::string_view(hash));
    fields.add(pin_hash);
    auto params = base::sql::params(std::int64_t{posting.account->shard}, posting.account->id,
                                    posting.account->epoch_to_compare(), std::int64_t{application->id},
                                    posting.reference, base::hex(fields.digest()), hash, pin_hash,
                                    std::int64_t{options_.voucher_tries_max},
                                    std::to_string(options_.voucher_tries_window.count()) + " milliseconds",
                                    options_.lane.limits.max_amount);
    auto work = running(
        "select o_outcome, o_request_id, o_journal_no"
        " from ledger.redeem($1, $2, $3, $4, $5, $6, decode($7, 'hex'), decode($8, 'hex'), $9, $10, $11)",
        std::move(params));
    co_return co_await run_group(std::move(work));
}

}  // namespace ledger
