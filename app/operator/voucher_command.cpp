// `ledgerline voucher`: makes batches of vouchers, shows, blocks and redeems them.
#include "app/data_dir.hpp"
#include "app/operator/command_group.hpp"
#include "app/operator/commands.hpp"
#include "app/operator/values.hpp"
#include "ledger/voucher_code.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

namespace app {
namespace json = boost::json;
namespace {

using Kind = Column::Kind;
using base::sql::params;

constexpr std::int64_t list_limit = 100;
constexpr int count_max = 100'000;  // in one batch: it is made in one transaction
constexpr int pin_digits_max = 12;

/// One set of arguments serves all subcommands, because only one of them runs.
struct Arguments {
    std::string batch, domain, balance, amount, unit, valid_until, output, state;
    std::string address, code, reference;
    std::optional<std::string> pin;
    std::optional<std::int32_t> period_days, serial;
    int count = 1;
    int pin_digits = 0;
    std::int64_t limit = list_limit;
};
using ArgumentsPtr = std::shared_ptr<Arguments>;

struct Secret {
    std::string code;
    std::optional<std::string> pin;
};

/// The file that is being made; a signal's handler has no other way to its name.
const char* unfinished = nullptr;

void remove_and_end(int signal) {
    ::unlink(unfinished);
    static_cast<void>(::raise(signal));  // the handler was for once: this ends the program when it returns
}

/// Where the secrets go: opened before there are any, because they are had only once. A signal that ends the
/// program, and the batch with it, takes the file along.
class SecretFile {
  public:
    explicit SecretFile(const std::string& path) : path_(path) {
        if (path.empty()) return;
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor < 0) throw PlainError("can't make " + path + ": " + std::strerror(errno));
        file_.reset(::fdopen(descriptor, "w"));
        unfinished = path_.c_str();
        struct sigaction removing {};
        removing.sa_handler = remove_and_end;
        removing.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &removing, &before_[i]);
            if (before_[i].sa_handler == SIG_IGN) ::sigaction(signals[i], &before_[i], nullptr);
        }
    }
    ~SecretFile() {
        if (!is_file()) return;
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    }
    SecretFile(const SecretFile&) = delete;
    SecretFile& operator=(const SecretFile&) = delete;

    [[nodiscard]] bool is_file() const { return file_ != nullptr; }

    /// On disk when it returns. Throws PlainError.
    void write(const std::string& text) {
        auto* file = file_.get();
        const bool written =
            std::fputs(text.c_str(), file) >= 0 && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
        if (!written) throw PlainError("can't write " + path_ + ": " + std::strerror(errno));
    }
    /// Nothing came of it.
    void remove() const {
        if (is_file()) ::unlink(path_.c_str());
    }

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    static constexpr std::array signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP};
    const std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
    std::array<struct sigaction, signals.size()> before_{};
};

std::vector<Secret> new_secrets(const Arguments& arguments) {
    std::vector<Secret> secrets;
    secrets.reserve(static_cast<std::size_t>(arguments.count));
    for (int i = 0; i < arguments.count; ++i) {
        Secret secret{ledger::random_voucher_code(), std::nullopt};
        if (arguments.pin_digits > 0) secret.pin = ledger::random_voucher_pin(arguments.pin_digits);
        secrets.push_back(std::move(secret));
    }
    return secrets;
}

/// Minor units of what a voucher is worth. Throws Refused.
std::int64_t worth(Desk& desk, const Arguments& arguments) {
    const auto type = desk.query(
        "select t.unit, u.exponent from ledger.balance_type t join ledger.unit u on u.unit = t.unit"
        " where t.domain = $1 and t.balance_type = $2",
        params(arguments.domain, arguments.balance));
    if (type.empty()) {
        throw Refused(ledger::Refusal::unknown_balance,
                      "the domain " + arguments.domain + " has no balance type " + arguments.balance +
                          "; `ledgerline account balance-type` defines one");
    }
    if (type.text(0, 0) != arguments.unit) throw Refused(ledger::Refusal::wrong_unit);
    const auto minor = minor_units(decimal_of(arguments.amount), type.integer(0, 1), desk.max_amount(),
                                   "a voucher's amount");
    if (minor == 0) throw Refused(ledger::Refusal::not_positive);
    return minor;
}

void store(Desk& desk, const Arguments& arguments, std::int64_t minor, const std::vector<Secret>& secrets) {
    base::sql::ArrayText hashes, pins, masks;
    for (const auto& secret : secrets) {
        hashes.add(ledger::voucher_hash(secret.code));
        pins.add(secret.pin ? std::optional(ledger::voucher_pin_hash(secret.code, *secret.pin))
                            : std::nullopt);
        masks.add(ledger::voucher_mask(secret.code));
    }
    const auto made =
        desk.query("select ledger.create_vouchers($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   params(arguments.batch, arguments.domain, arguments.balance, minor, arguments.period_days,
                          time_of(arguments.valid_until), hashes, pins, masks));
    if (made.is_null(0, 0)) {
        throw Refused("batch_exists",
                      "there is a batch " + arguments.batch + " already; each has a name of its own");
    }
}

/// A batch that nobody could redeem is a mistake.
void check_validity(Desk& desk, const std::string& valid_until) {
    const auto past = desk.query("select $1::timestamptz <= clock_timestamp()", params(time_of(valid_until)));
    if (!past.is_null(0, 0) && past.boolean(0, 0))
        throw PlainError("--valid-until " + valid_until + " is over: nobody could redeem these vouchers");
}

void create(Desk& desk, const Arguments& arguments) {
    check_validity(desk, arguments.valid_until);
    const auto minor = worth(desk, arguments);
    const auto secrets = new_secrets(arguments);
    json::array list;
    std::string lines;
    for (const auto& secret : secrets) {
        lines += secret.code + (secret.pin ? ' ' + *secret.pin : "") + '\n';
        json::object voucher{{"serial", list.size() + 1}, {"code", secret.code}};
        if (secret.pin) voucher["pin"] = *secret.pin;
        list.push_back(std::move(voucher));
    }
    SecretFile file(arguments.output);
    try {
        store(desk, arguments, minor, secrets);
        if (file.is_file()) file.write(lines);
    } catch (...) {
        // The batch goes with its transaction.
        file.remove();
        throw;
    }
    const auto sentence = "Made " + std::to_string(secrets.size()) + " vouchers of " + arguments.amount +
                          ' ' + arguments.unit + " in the batch " + arguments.batch;
    json::object facts{{"batch", arguments.batch}, {"count", secrets.size()}};
    if (file.is_file()) {
        facts["output"] = arguments.output;
        desk.out().done(sentence + "; their codes are in " + arguments.output + ", and nowhere else.",
                        std::move(facts));
        return;
    }
    if (!desk.out().as_json()) {
        Printer::note(sentence + ". Their codes are shown this once; nobody can look them up again.");
    }
    lines.pop_back();  // the printer ends it
    facts["vouchers"] = std::move(list);
    std::ostringstream codes;
    Printer(desk.out().as_json(), codes).report(lines, std::move(facts));
    desk.hand_out(codes.str());
}

void refuse_unknown_batch(Desk& desk, const std::string& batch) {
    if (desk.query("select from ledger.voucher_batch where name = $1", params(batch)).empty())
        throw Refused(ledger::Refusal::unknown_voucher, "there is no batch " + batch);
}

void list(Desk& desk, const Arguments& arguments) {
    const std::vector<Column> columns{
        {.name = "batch"},
        {.name = "serial", .kind = Kind::number},
        {.name = "voucher"},
        {.name = "state"},
        {.name = "amount", .kind = Kind::amount},
        {.name = "unit"},
        {.name = "balance_type"},
        {.name = "valid_until", .kind = Kind::time},
        {.name = "redeemed_at", .kind = Kind::time},
        {.name = "address"},
        {.name = "application"},
        {.name = "reference_code"},
    };
    if (!arguments.batch.empty()) refuse_unknown_batch(desk, arguments.batch);
    // One more than is shown tells whether there are more.
    auto table = desk.table(columns,
                            "from finance.vouchers where ($1 = '' or batch = $1) and ($2 = '' or state = $2)"
                            " order by created_at desc, batch, serial limit $3",
                            params(arguments.batch, arguments.state, arguments.limit + 1));
    const bool more = table.rows.size() > static_cast<std::size_t>(arguments.limit);
    if (more) table.rows.pop_back();
    desk.out().list(table, "No vouchers.");
    if (more) Printer::note("There are more vouchers; --limit shows more.");
}

void batches(Desk& desk) {
    const auto count = [](const std::string& state) {
        return Column{
            .name = state, .kind = Kind::number, .source = "count(*) filter (where state = '" + state + "')"};
    };
    const std::vector<Column> columns{
        {.name = "batch"},
        {.name = "domain", .source = "min(domain)"},
        {.name = "amount", .kind = Kind::amount, .source = "min(amount)"},
        {.name = "unit", .source = "min(unit)"},
        {.name = "balance_type", .source = "min(balance_type)"},
        {.name = "period_days", .kind = Kind::number, .source = "min(period_days)"},
        {.name = "valid_until", .kind = Kind::time, .source = "min(valid_until)"},
        {.name = "created_at", .kind = Kind::time, .source = "min(created_at)"},
        count("active"),
        count("redeemed"),
        count("blocked"),
        count("expired"),
    };
    desk.out().list(desk.table(columns, "from finance.vouchers group by batch order by min(created_at) desc"),
                    "No vouchers.");
}

void block(Desk& desk, const Arguments& arguments, bool blocked) {
    std::optional<std::int64_t> serial;
    if (arguments.serial) serial = *arguments.serial;
    const auto found =
        desk.query("select ledger.block_vouchers($1, $2, $3)", params(arguments.batch, serial, blocked));
    const auto what = (serial ? "voucher " + std::to_string(*serial) + " of " : std::string("the batch ")) +
                      arguments.batch;
    if (found.integer(0, 0) == 0)
        throw Refused(ledger::Refusal::unknown_voucher,
                      "there is no " + (serial ? what : "batch " + arguments.batch));
    desk.out().done((blocked ? "Blocked " : "Unblocked ") + what +
                    (blocked ? "; what was redeemed stays redeemed." : "."));
}

void redeem(Desk& desk, const Arguments& arguments) {
    ledger::Redeem request;
    request.account = desk.account(arguments.address);
    request.origin = {operator_application, arguments.reference, "", ""};
    request.code = arguments.code;
    request.pin = arguments.pin;
    std::optional<ledger::Receipt> redeemed;
    try {
        redeemed = desk.run(desk.ledger().redeem(std::move(request)));
    } catch (const Refused&) {
        desk.keep();  // the wrong try counts
        throw;
    }
    desk.out().posted(
        "Redeemed a voucher for " + arguments.address + ", reference " + arguments.reference + '.',
        {{"reference", arguments.reference}}, redeemed->replayed);
}

void add_making(CommandGroup& group, const ArgumentsPtr& arguments) {
    auto& making =
        group.add_act("create", "Make a batch of vouchers and print their codes, once",
                      "summer 10.00 EUR --count 100 --domain example.com --balance main --period 30 "
                      "--valid-until 2027-01-01 --output summer.txt",
                      [arguments](Desk& desk) { create(desk, *arguments); });
    making.add_option("BATCH", arguments->batch, "A name for the batch")->required();
    making.add_option("AMOUNT", arguments->amount, "What each voucher is worth, e.g. 10.00")->required();
    making.add_option("UNIT", arguments->unit, "The unit of the amount, e.g. EUR")->required();
    making.add_option("--count", arguments->count, "How many")
        ->capture_default_str()
        ->check(CLI::Range(1, count_max));
    making.add_option("--domain", arguments->domain, "Whose accounts may redeem them")->required();
    making.add_option("--balance", arguments->balance, "The balance type that they credit")->required();
    making
        .add_option("--period", arguments->period_days,
                    "The balance lives at least so many days from the redemption")
        ->check(CLI::Range(1, ledger::Options().period_days_max));
    making.add_option("--valid-until", arguments->valid_until,
                      "Until before when they can be redeemed, e.g. 2027-01-01 (in UTC) or "
                      "2027-01-01T00:00+01:00 (default: for ever)");
    making
        .add_option("--pin-digits", arguments->pin_digits, "Digits of a PIN that checks the code; 0: no PIN")
        ->capture_default_str()
        ->check(CLI::Range(0, pin_digits_max));
    making.add_option("--output", arguments->output, "A new file for the codes (default: standard output)");
}

}  // namespace

void add_voucher_commands(CLI::App& program, CommonOptions& common, Action& action) {
    CommandGroup group(program, common, action, "voucher", "Make, show, block and redeem vouchers",
                       "list --state active");
    const auto arguments = std::make_shared<Arguments>();
    add_making(group, arguments);

    auto& listing = group.add("list", "List vouchers, newest batch first, without their codes",
                              "summer --state redeemed", [arguments](Desk& desk) { list(desk, *arguments); });
    listing.add_option("BATCH", arguments->batch, "Of this batch only");
    listing.add_option("--state", arguments->state, "In this state only")
        ->check(CLI::IsMember({"active", "redeemed", "blocked", "expired"}));
    listing.add_option("--limit", arguments->limit, "How many at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));

    group.add("batches", "List the batches and how many of their vouchers are in each state", "--json",
              [](Desk& desk) { batches(desk); });

    for (const bool blocked : {true, false}) {
        auto& blocking = group.add_act(
            blocked ? "block" : "unblock",
            blocked ? "Let nobody redeem a batch or one of its vouchers" : "End that", "summer 17",
            [arguments, blocked](Desk& desk) { block(desk, *arguments, blocked); });
        blocking.add_option("BATCH", arguments->batch, "The batch")->required();
        blocking.add_option("SERIAL", arguments->serial, "One voucher of it (default: all)");
    }

    auto& redeeming = group.add_act("redeem", "Credit an account with a voucher",
                                    "tel:+15550001 7QK2-M0XN-3VZD-91TB-HC5E --reference case-43",
                                    [arguments](Desk& desk) { redeem(desk, *arguments); }, {"CODE", "--pin"});
    redeeming.add_option("ADDRESS", arguments->address, "One of the account's addresses")->required();
    redeeming.add_option("CODE", arguments->code, "The voucher's code")->required();
    redeeming.add_option("--pin", arguments->pin, "Its PIN, if it has one");
    redeeming
        .add_option("--reference", arguments->reference,
                    "Your name for this request; the same one again changes nothing")
        ->required();
}

}  // namespace app
