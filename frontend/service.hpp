// The seam between services and the front end. It joins soap and auth, which do not know each other: a
// service is its message tables (soap::Interface) and a handler for each operation, registered with the
// permission it needs.
#pragma once

#include "frontend/auth/principal.hpp"
#include "frontend/soap/fault.hpp"
#include "frontend/soap/interface.hpp"
#include "frontend/soap/message.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace frontend {

/// Everything about a request that is not in its message. Lives until the handler has answered.
struct Call {
    auth::PrincipalPtr principal;  ///< never null
    auth::Permission permission;   ///< what the operation was registered with
    const soap::Interface* interface = nullptr;
    const soap::Version* version = nullptr;
    const soap::OperationTable* operation = nullptr;
    std::string_view local_namespace;  ///< as the client wrote it, also that of an unlisted minor version
    std::string_view request_id;       ///< unique; also in the log and the X-Request-Id of the response
    std::string_view idempotency_key;  ///< the Idempotency-Key header, or empty
    std::string_view message_id;       ///< the WS-Addressing MessageID, or empty
    std::string_view peer;             ///< the client's address
    std::chrono::steady_clock::time_point received;
};

/// An operation that was done.
template <class Response>
struct Reply {
    Response message;
    bool replayed = false;  ///< the first answer to this key again: header `Idempotency-Replayed: true`
};

/// An operation that was not done.
struct Refused {
    soap::Fault fault;
    bool try_again = false;  ///< for want of capacity, not of right: HTTP 503 with Retry-After
    /// Which of the fault's causes it was, for the log: static text; empty where the fault has only one.
    std::string_view cause{};
};

/// What a handler returns: a response, a Reply, a fault, or Refused.
template <class Response>
class Answer {
  public:
    Answer(Response message) : value_(Reply<Response>{std::move(message)}) {}
    Answer(Reply<Response> reply) : value_(std::move(reply)) {}
    Answer(soap::Fault fault) : value_(Refused{std::move(fault)}) {}
    Answer(Refused refused) : value_(std::move(refused)) {}

    [[nodiscard]] const Reply<Response>* reply() const { return std::get_if<Reply<Response>>(&value_); }
    [[nodiscard]] Reply<Response>* reply() { return std::get_if<Reply<Response>>(&value_); }
    [[nodiscard]] const Refused* refused() const { return std::get_if<Refused>(&value_); }
    [[nodiscard]] Refused* refused() { return std::get_if<Refused>(&value_); }

  private:
    std::variant<Reply<Response>, Refused> value_;
};

using ErasedAnswer = Answer<soap::Message>;

/// The variable of SVC0001 and POL0001: a closed list, documented for integrators.
enum class Code : std::uint8_t {
    internal,              ///< SVC0001: a defect here; the log has the request id
    overloaded,            ///< SVC0001: try again
    database_unavailable,  ///< SVC0001: try again
    bridge_unavailable,    ///< SVC0001: nobody can mix the media of three and more parties now: try again
    node_unavailable,      ///< SVC0001: the server that has the call does not answer: try again
    too_many_failures,     ///< POL0001: guesses are slowed down; HTTP 429
    not_authenticated,     ///< POL0001: credentials missing or wrong
    not_allowed,           ///< POL0001: no grant, or an address outside one's rights
    over_limit,            ///< POL0001: over a limit of the application
    not_available,         ///< POL0001: a part of the standard that is not offered here
};
[[nodiscard]] std::string_view to_string(Code code);

/// SVC0001 or POL0001 with this code.
[[nodiscard]] soap::Fault fault(Code code);

/// HTTP 503, Retry-After, SVC0001: when a queue is full or the database is away.
[[nodiscard]] Refused try_again(Code code);

/// The fault, if the caller may not do `permission` to this address. `domain`: of the account that holds the
/// address; nothing when there is no such account, so that strangers cannot find out which addresses exist.
[[nodiscard]] std::optional<soap::Fault> refusal(const Call& call, auth::Permission permission,
                                                 std::optional<std::string_view> domain,
                                                 std::string_view address);

/// The same for the permission of the call's operation.
[[nodiscard]] std::optional<soap::Fault> refusal(const Call& call, std::optional<std::string_view> domain,
                                                 std::string_view address);

/// A handler with its types erased.
struct Operation {
    const soap::OperationTable* table;
    auth::Permission permission;
    void* target;
    boost::asio::awaitable<ErasedAnswer> (*invoke)(void* target, const Call& call, soap::Message request);
};

namespace detail {

template <class Pointer>
struct HandlerTraits;
template <class Target_, class Request_, class Response_>
struct HandlerTraits<boost::asio::awaitable<Answer<Response_>> (Target_::*)(const Call&, Request_)> {
    using Target = Target_;
    using Request = Request_;
    using Response = Response_;
};

template <auto Handler>
boost::asio::awaitable<ErasedAnswer> invoke(void* target, const Call& call, soap::Message request) {
    using Traits = HandlerTraits<decltype(Handler)>;
    using Response = typename Traits::Response;
    auto& object = *static_cast<typename Traits::Target*>(target);
    auto& message = request.as<typename Traits::Request>();
    Answer<Response> answer = co_await (object.*Handler)(call, std::move(message));
    if (auto* reply = answer.reply())
        co_return Reply<soap::Message>{soap::Message::of(std::move(reply->message)), reply->replayed};
    co_return std::move(*answer.refused());
}

}  // namespace detail

/// One interface with its handlers, in all versions.
class Service {
  public:
    /// `interface` is static data.
    explicit Service(const soap::Interface& interface) : interface_(&interface) {}

    /// Serves the operation of this name with `boost::asio::awaitable<Answer<Response>> T::handler(const
    /// Call&, Request)`. Where versions differ in the shape of its messages, each shape has its own handler.
    /// std::logic_error when the interface's table has no such operation with these types.
    ///
    ///     service.serve<&AmountCharging::charge_amount>(*this, "chargeAmount", Permission::payment_charge);
    template <auto Handler>
    Service& serve(typename detail::HandlerTraits<decltype(Handler)>::Target& target, std::string_view name,
                   auth::Permission permission) {
        using Traits = detail::HandlerTraits<decltype(Handler)>;
        add(name, soap::Describe<typename Traits::Request>::type,
            soap::Describe<typename Traits::Response>::type,
            Operation{nullptr, permission, &target, &detail::invoke<Handler>});
        return *this;
    }

    [[nodiscard]] const soap::Interface& interface() const { return *interface_; }
    [[nodiscard]] std::span<const Operation> operations() const { return operations_; }

    /// std::logic_error that names the first served operation without a handler, if there is one.
    void check_complete() const;

  private:
    void add(std::string_view name, const soap::Type& request, const soap::Type& response,
             Operation operation);

    const soap::Interface* interface_;
    std::vector<Operation> operations_;
};

}  // namespace frontend
