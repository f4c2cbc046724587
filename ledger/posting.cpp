// Names and digests of postings.
#include "ledger/posting.hpp"

#include "ledger/digest.hpp"

#include <array>
#include <utility>

namespace ledger {

std::string_view to_string(Operation operation) {
    static constexpr std::array<std::string_view, 7> names{"charge", "refund",  "credit", "hold",
                                                           "extend", "capture", "release"};
    return names.at(static_cast<std::size_t>(operation));
}

void aim_at(Posting& posting, const HoldFacts& hold) {
    Account account = *hold.account;
    account.epoch = 0;
    posting.account = std::make_shared<const Account>(std::move(account));
    posting.hold = hold.id;
}

base::Id128 digest_of(const Posting& posting) {
    Fields fields;
    fields.add(posting.account->id);
    fields.add(posting.balance_type);
    fields.add(posting.amount.value.unscaled);
    fields.add(std::int64_t{posting.amount.value.scale});
    fields.add(std::int64_t{posting.amount.value.overflow});
    fields.add(posting.amount.unit);
    fields.add(posting.code);
    // Of a hold to be placed the id is made here, anew for each try.
    const bool names_hold = posting.hold && posting.operation != Operation::hold;
    fields.add(names_hold ? std::string_view(reinterpret_cast<const char*>(posting.hold->id.data()), 16)
                          : std::string_view());
    fields.add(posting.original_reference);
    fields.add(std::int64_t{posting.period_days.value_or(-1)});
    // Behind the others and only where it is so: digests that are stored stay what they are.
    if (posting.amount.by_code) fields.add(std::string_view("by code"));
    return fields.digest();
}

base::Decimal within_64_bits(const base::Decimal& value) {
    if (!value.overflow) return value;
    return {value.unscaled * 1'000'000'000'000'000'000, 0, false};
}

}  // namespace ledger
