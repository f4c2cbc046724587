// Everything happens on one executor; what waits finds its call again by its number, or finds it gone.
#include "telephony/calls/inbound_calls.hpp"

#include "base/ids.hpp"
#include "telephony/calls/called_account.hpp"
#include "telephony/calls/inbound_live.hpp"
#include "telephony/calls/live_call.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <set>
#include <utility>

namespace calls {
namespace {

namespace asio = boost::asio;

constexpr auto retry_later = "Retry-After: 5";

}  // namespace

InboundCalls::InboundCalls(Options options, Uses uses, asio::any_io_executor executor, base::Logger log)
    : options_(std::move(options)),
      uses_(uses),
      executor_(std::move(executor)),
      log_(std::move(log)),
      ended_(options_.linger, options_.calls_max) {}

InboundCalls::~InboundCalls() = default;

// --- at the door

void InboundCalls::registering(IncomingRegister request) {
    asio::post(executor_, [this, request = std::move(request)]() mutable {
        const auto ticket = request.ticket;
        asio::co_spawn(executor_, uses_.registrar.handle(std::move(request)),
                       [this, ticket](const std::exception_ptr& error, Response response) {
                           if (error) response = {500, {}, {}};
                           uses_.registrations.respond(ticket, std::move(response));
                       });
    });
}

void InboundCalls::called(IncomingCall call) {
    asio::post(executor_, [this, call = std::move(call)]() mutable {
        const LegId caller{call.call, 0};
        const bool full = live_.size() + admitting_.size() >= options_.calls_max || uses_.records.full();
        if (stopping_ || full) {
            uses_.signalling.refuse(caller, {503, {}, {retry_later}});
            return;
        }
        admitting_.insert(call.call);
        asio::co_spawn(executor_, admit(std::move(call)), [this, caller](const std::exception_ptr& error) {
            if (!error) return;
            if (admitting_.erase(caller.call) > 0) uses_.signalling.refuse(caller, {500, {}, {}});
        });
    });
}

asio::awaitable<void> InboundCalls::admit(IncomingCall call) {
    const LegId leg{call.call, 0};
    if (pass_on(call)) co_return;
    const auto admitted = co_await uses_.door.admit(call.sender, "INVITE", true);
    const auto* visitor = std::get_if<Door::Visitor>(&admitted);
    auto caller = visitor != nullptr ? caller_of(*visitor, call.sender) : std::nullopt;
    if (!caller) {
        // The caller may have given up.
        if (admitting_.erase(call.call) == 0) co_return;
        const auto* response = std::get_if<Response>(&admitted);
        uses_.signalling.refuse(leg,
                                response != nullptr ? *response : Response{403, "From Is Somebody Else", {}});
        co_return;
    }
    const auto principal = visitor->principal;
    const auto found = co_await account_of(caller->spellings());
    const auto account = found ? *found : nullptr;
    if (!account) {
        enter(std::move(call), std::move(*caller), principal);
        co_return;
    }
    uses_.rules.find(account->id, account->domain,
                     [this, call = std::move(call), caller = std::move(*caller),
                      principal](const rules::RuleSetPtr& set) mutable {
                         // A caller's rules forbid nothing, they only name who watches the caller: where they
                         // can't be read, which the cache logs, the call goes on without being told of.
                         caller.rules = set;
                         enter(std::move(call), std::move(caller), principal);
                     });
}

void InboundCalls::enter(IncomingCall call, Caller caller, const auth::PrincipalPtr& principal) {
    // The caller may have given up.
    if (admitting_.erase(call.call) == 0) return;
    if (principal && has_enough(*principal))
        uses_.signalling.refuse({call.call, 0}, {403, "Too Many Calls", {}});
    else
        start(std::move(call), std::move(caller), principal);
}

/// Of the first address that is somebody's here.
asio::awaitable<ledger::Result<ledger::AccountPtr>> InboundCalls::account_of(
    std::vector<std::string> addresses) {
    for (const auto& address : addresses) {
        if (!options_.local.may_be_account(address)) continue;
        auto account = co_await uses_.ledger.find(address);
        if (account || account.error() != ledger::Refusal::unknown_account) co_return account;
    }
    co_return ledger::Refusal::unknown_account;
}

/// As many calls as this user may make at once.
bool InboundCalls::has_enough(const auth::Principal& principal) const {
    const auto own = principal.limits().calls.at_once;
    const auto most = own ? static_cast<std::size_t>(*own) : options_.calls_per_user;
    const auto running = std::ranges::count_if(live_, [&](const auto& entry) {
        return entry.second->caller && entry.second->caller->login() == principal.login();
    });
    return static_cast<std::size_t>(running) >= most;
}

/// A call of another node's for a connection of ours: its rules, record and charge are there.
bool InboundCalls::pass_on(IncomingCall& call) {
    const auto wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto flow = uses_.flows.flow(call.route, call.target, wall);
    if (!flow) return false;
    admitting_.erase(call.call);
    Contact contact;
    contact.uri = std::exchange(call.target, call.to);
    contact.flow = *flow;
    Caller caller;
    caller.address = call.sender.from;
    caller.name = call.sender.from_name;
    start(std::move(call), std::move(caller), nullptr, std::move(contact));
    return true;
}

/// A user calls by one of the own addresses; a peer's word is taken. Nothing: the user gives another's.
std::optional<Caller> InboundCalls::caller_of(const Door::Visitor& visitor, const Sender& sender) const {
    Caller caller;
    caller.name = sender.from_name;
    caller.anonymous = sender.anonymous;
    if (!visitor.principal) {
        const auto& uri = sender.asserted.empty() ? sender.from : sender.asserted;
        const auto readings = options_.local.readings(uri);
        const auto address =
            readings.empty() ? std::optional<std::string>() : options_.dial_plan.caller(readings.back());
        caller.address = address.value_or(anonymous_address);
        if (address && *address != anonymous_address) caller.known_as = {*address};
        if (auto number = address ? options_.dial_plan.number_at_a_peer(*address) : std::nullopt)
            caller.known_as.push_back(std::move(*number));
        return caller;
    }
    caller.authenticated = true;
    for (const auto& reading : options_.local.readings(sender.from)) {
        if (!visitor.principal->owns(reading)) continue;
        caller.address = reading;
        const auto own = visitor.principal->addresses();
        caller.known_as.assign(own.begin(), own.end());
        return caller;
    }
    return std::nullopt;
}

// --- calls

void InboundCalls::start(IncomingCall incoming, Caller caller, const auth::PrincipalPtr& principal,
                         std::optional<Contact> passed_on) {
    const auto number = incoming.call;
    CallRequest request;
    request.caller = std::move(caller);
    request.called = std::move(incoming.target);
    request.ticket = incoming.ticket;
    request.sdp = std::move(incoming.sdp);
    request.dialog = std::move(incoming.dialog);
    request.max_forwards = incoming.max_forwards;
    request.session = new_call_id(options_.run);
    // What stands in From anybody may write there.
    const bool vouched = principal || !incoming.sender.asserted.empty();
    auto payers = vouched ? request.caller.spellings() : std::vector<std::string>();
    RecordFacts record;
    record.id = request.session;
    record.owner = principal ? principal->login() : incoming.sender.source;
    record.inbound = true;
    const auto readings = options_.local.readings(request.called);
    record.called = readings.empty() ? request.called : readings.front();
    auto options = options_.call;
    // Far enough apart for the legs of one call.
    options.call.session = (number - first_incoming_call) * inbound_legs_max;
    options.call.bridge = uses_.bridge != nullptr;
    Onlookers onlookers;
    if (principal) onlookers = {principal->login(), std::string(principal->domain()), {}};
    onlookers.anonymous_caller = request.caller.anonymous;
    Ladder ladder(options_.trace_max);
    ladder.add({0, now(), false, "INVITE " + request.called});
    by_id_[record.id] = number;
    auto live = std::unique_ptr<Live>(new Live{
        number, InboundCall(std::move(request), std::move(options), now()), principal, std::move(payers),
        std::move(record), nullptr, nullptr, std::move(onlookers), std::move(ladder), std::move(passed_on)});
    CommandRunner::Machine machine;
    machine.deliver = [this, number](const Event& event) {
        if (auto* self = find(number)) carry_out(number, self->call.on(event, now()));
    };
    machine.invitation = [call = &live->call](const command::Invite& invite) {
        return call->invitation(invite.leg);
    };
    live->runner = std::make_unique<CommandRunner>(number, std::move(machine), uses_.signalling, executor_,
                                                   observer(number), uses_.bridge);
    auto& entry = *(live_[number] = std::move(live));
    carry_out(number, entry.call.on(event::Start{}, now()));
}

InboundCalls::Live* InboundCalls::find(CallNo call) const {
    const auto found = live_.find(call);
    return found == live_.end() ? nullptr : found->second.get();
}

InboundCalls::Live* InboundCalls::find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : find(found->second);
}

void InboundCalls::on_call(CallNo call, Event event) {
    asio::post(executor_, [this, call, event = std::move(event)] {
        if (auto* live = find(call))
            carry_out(call, live->call.on(event, now()));
        else
            admitting_.erase(call);
    });
}

void InboundCalls::on_signal(CallNo call, Signal signal) {
    if (auto* live = find(call)) live->ladder.add(std::move(signal));
}

void InboundCalls::finished(CallNo call) {
    const auto found = live_.find(call);
    if (found == live_.end()) return;
    auto& live = *found->second;
    ended_.add({live.record.id, std::move(live.onlookers), live.call.status(),
                live.ladder.text(live.call.status())});
    by_id_.erase(live.record.id);
    live_.erase(found);
}

std::size_t InboundCalls::end_all() {
    std::vector<CallNo> numbers;
    for (const auto& [number, live] : live_) numbers.push_back(number);
    end(numbers);
    for (const auto number : admitting_) uses_.signalling.refuse({number, 0}, {503, {}, {}});
    const auto count = numbers.size() + admitting_.size();
    admitting_.clear();
    return count;
}

void InboundCalls::clear() {
    live_.clear();
    by_id_.clear();
    admitting_.clear();
}

void InboundCalls::carry_out(CallNo call, InboundCall::Steps steps) {
    struct Run {
        InboundCalls& self;
        CallNo call;
        void operator()(errand::Resolve& e) const {
            asio::co_spawn(self.executor_, self.resolve(call, std::move(e)), asio::detached);
        }
        void operator()(errand::Ask& e) const { self.ask(call, std::move(e)); }
        void operator()(errand::Tell& e) const {
            if (self.uses_.applications != nullptr) self.uses_.applications->tell(std::move(e.question));
        }
        void operator()(errand::Hold& e) const {
            asio::co_spawn(self.executor_, self.hold(call, std::move(e.toll)), asio::detached);
        }
    };
    find(call)->runner->run(std::move(steps.commands));
    for (auto& errand : steps.errands) std::visit(Run{*this, call}, errand);
}

Observer InboundCalls::observer(CallNo call) {
    Observer result;
    result.changed = [this, call] {
        const auto& live = *find(call);
        if (!live.passed_on) uses_.records.put(live.record, live.call.status());
    };
    result.secure = [this, call](std::function<void()> safe) {
        const auto& live = *find(call);
        uses_.records.put(live.record, live.call.status(), std::move(safe));
    };
    result.settled_paid = [this, call] { settle(call, true); };
    result.settled_free = [this, call] { settle(call, false); };
    result.extend = [this, call] { extend(call); };
    result.finished = [this, call] { asio::post(executor_, [this, call] { finished(call); }); };
    return result;
}

// --- errands

asio::awaitable<void> InboundCalls::resolve(CallNo call, errand::Resolve errand) {
    Destination destination;
    const auto* live = find(call);
    if (live != nullptr && live->passed_on) {
        destination.kind = Destination::Kind::outside;
        destination.contacts = {*live->passed_on};
        resolved(call, errand.target, std::move(destination));
        co_return;
    }
    const bool known = options_.local.may_be_account(errand.address);
    const auto readings = known ? options_.local.readings(errand.address) : std::vector<std::string>();
    for (const auto& reading : readings) {
        const auto located = co_await uses_.ledger.locate(reading);
        if (located.account) {
            destination.address = located.address;
            const auto principal = dialler(call, errand);
            if (principal && starts_with_any(located.address, principal->limits().calls.deny)) {
                destination.kind = Destination::Kind::forbidden;
                resolved(call, errand.target, std::move(destination));
                co_return;
            }
            found_account(call, errand.target, std::move(destination), **located.account);
            co_return;
        }
        if (located.account.error() == ledger::Refusal::unknown_account) continue;
        destination.kind = Destination::Kind::failed;
        resolved(call, errand.target, std::move(destination));
        co_return;
    }
    resolved(call, errand.target, outside(call, errand));
}

void InboundCalls::found_account(CallNo call, TargetNo target, Destination destination,
                                 const ledger::Account& account) {
    destination.kind = Destination::Kind::account;
    auto* live = find(call);
    if (live != nullptr && target == 0) {
        live->record.called = destination.address;
        live->onlookers.called_domain = account.domain;
    }
    uses_.rules.find(
        account.id, account.domain,
        [this, call, target, destination, id = account.id](const rules::RuleSetPtr& set) mutable {
            destination.rules = set;
            if (!set) {
                destination.kind = Destination::Kind::failed;
                resolved(call, target, std::move(destination));
                return;
            }
            uses_.locations.find(
                id, [this, call, target, destination](std::optional<Whereabouts> whereabouts) mutable {
                    if (!whereabouts)
                        destination.kind = Destination::Kind::failed;
                    else if (whereabouts->disabled)
                        destination.kind = Destination::Kind::disabled;
                    else
                        destination.contacts = std::move(whereabouts->contacts);
                    resolved(call, target, std::move(destination));
                });
        });
}

void InboundCalls::resolved(CallNo call, TargetNo target, Destination destination) {
    if (auto* live = find(call)) carry_out(call, live->call.resolved(target, std::move(destination), now()));
}

/// The user whose own choice this address is; null: it is a rule's or an application's, or a peer's.
auth::PrincipalPtr InboundCalls::dialler(CallNo call, const errand::Resolve& errand) const {
    const auto* live = find(call);
    return live != nullptr && errand.dialled ? live->caller : nullptr;
}

/// Nobody's address here: only users whom that was granted may have others called, and only where calls may
/// go at all. Rules and applications are made by those who may change an account's calls.
Destination InboundCalls::outside(CallNo call, const errand::Resolve& errand) const {
    Destination destination;
    const auto readings = options_.local.readings(errand.address);
    const bool ours = options_.local.is_ours(errand.address);
    // On our own host only a telephone number may be somewhere else.
    const bool number = !readings.empty() && readings.back().starts_with("tel:");
    if (readings.empty() || (ours && !number)) return destination;
    const auto address = options_.dial_plan.callable(number ? readings.back() : errand.address);
    if (!address) return destination;
    destination.address = *address;
    destination.kind = Destination::Kind::forbidden;
    const auto principal = dialler(call, errand);
    const bool granted = !errand.dialled || (principal && principal->allows(auth::Permission::call_outside,
                                                                            principal->domain()));
    const auto kind = options_.dial_plan.kind_of(*address);
    // Short and emergency numbers, where they are routed, are every user's.
    const bool routed = kind == DialPlan::Kind::routed && (principal || !errand.dialled);
    const auto limits = principal ? principal->limits().calls : auth::CallLimits();
    const bool ordinary = kind == DialPlan::Kind::ordinary && granted &&
                          options_.destinations.allowed(*address, limits.allow, limits.deny);
    if (routed || ordinary) destination.kind = Destination::Kind::outside;
    return destination;
}

/// An address that is none, or that the application may not have called, is an answer that is none: with
/// nothing else to call, the call goes on.
asio::awaitable<void> InboundCalls::leave_callable(applications::Directive& directive, std::string id) {
    const auto named = std::exchange(directive.addresses, {});
    for (const auto& address : named) {
        const auto callable = options_.dial_plan.callable(address);
        if (!callable) continue;
        const auto may = co_await passes(uses_.ledger, options_.local, directive.screen, *callable);
        if (may && *may) directive.addresses.push_back(address);
    }
    const auto refused = named.size() - directive.addresses.size();
    if (refused == 0) co_return;
    log_.warning("an application names what is no address, or one that it may not have called",
                 {{"call", id}, {"addresses", refused}});
    if (directive.addresses.empty()) directive.verb = applications::Verb::carry_on;
}

void InboundCalls::ask(CallNo call, errand::Ask errand) {
    const auto target = errand.target;
    const auto done = [this, call, target](applications::Directive directive) {
        asio::co_spawn(executor_, directed(call, target, std::move(directive)), asio::detached);
    };
    if (uses_.applications != nullptr)
        uses_.applications->ask(std::move(errand.question), done);
    else
        asio::post(executor_, [done] { done({}); });
}

asio::awaitable<void> InboundCalls::directed(CallNo call, TargetNo target,
                                             applications::Directive directive) {
    if (const auto* live = find(call)) co_await leave_callable(directive, live->record.id);
    // It may have ended meanwhile.
    if (auto* live = find(call)) carry_out(call, live->call.directed(target, directive, now()));
}

// --- money

asio::awaitable<ledger::Result<ledger::AccountPtr>> InboundCalls::payer(CallNo call,
                                                                        applications::Toll toll) {
    const auto& payers = toll.payers;
    if (!payers.own.empty()) co_return co_await uses_.ledger.find(payers.own);
    const auto* live = find(call);
    if (live == nullptr) co_return ledger::Refusal::unknown_account;
    // The call may end meanwhile. Who pays is known by each address, whichever called.
    auto addresses = live->payers;
    if (live->caller)
        for (const auto& own : live->caller->addresses()) addresses.push_back(own);
    auto account = co_await account_of(live->payers);
    if (!account) co_return account;
    const auto in = [&](const std::string& domain) { return domain == "*" || domain == (*account)->domain; };
    if (std::ranges::none_of(payers.domains, in)) co_return ledger::Refusal::unknown_account;
    const auto admitted = [&](const std::string& address) {
        return starts_with_any(address, payers.prefixes);
    };
    if (!payers.prefixes.empty() && std::ranges::none_of(addresses, admitted))
        co_return ledger::Refusal::over_limit;
    co_return account;
}

asio::awaitable<void> InboundCalls::hold(CallNo call, applications::Toll toll) {
    HoldOutcome outcome;
    std::shared_ptr<CallCharge> charge;
    const auto account = co_await payer(call, toll);
    if (account) {
        auto held = co_await hold_charge(uses_.ledger, toll.application, *account, std::move(toll.charging),
                                         toll.minor, options_.slice);
        if (held)
            charge = std::make_shared<CallCharge>(std::move(*held));
        else
            outcome.refusal = refusal_status(held.error());
    } else {
        outcome.refusal = refusal_status(account.error());
    }
    auto* live = find(call);
    // It never becomes the call's, nor its record's: a server that takes over would charge it.
    if (charge && (live == nullptr || !live->call.awaits_hold()))
        start_settling(executor_, uses_.ledger, log_, std::exchange(charge, nullptr), false, 0,
                       [](Settled) {});
    if (live == nullptr) co_return;
    if (charge) {
        outcome.granted = std::chrono::seconds(charge->seconds);
        live->charge = charge;
        record_charge(live->record, *charge);
    }
    carry_out(call, live->call.held(outcome, now()));
}

void InboundCalls::settle(CallNo call, bool paid) {
    const auto& live = *find(call);
    if (!live.charge) return;
    const auto seconds = paid ? billed_seconds(live.call.status()) : 0;
    start_settling(executor_, uses_.ledger, log_, live.charge, paid, seconds,
                   [this, call, paid, id = live.record.id](Settled how) {
                       uses_.records.settled(id);
                       // Nobody talks who can't be charged for it any more.
                       if (paid && how == Settled::refused) end({call});
                   });
}

void InboundCalls::extend(CallNo call) {
    start_extending(executor_, uses_.ledger, log_, find(call)->charge, options_.slice,
                    options_.call.call.extend_ahead, [this, call](std::chrono::seconds total) {
                        if (auto* live = find(call))
                            carry_out(call, live->call.on(event::Granted{total}, now()));
                    });
}

}  // namespace calls
