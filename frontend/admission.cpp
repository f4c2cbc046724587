// The checks, the cheap ones first.
#include "frontend/admission.hpp"

namespace frontend {
namespace asio = boost::asio;

asio::awaitable<std::optional<soap::Fault>> Admission::refusal(const Call& call) {
    const auto& limits = call.principal->limits();
    if (!limits.any()) co_return std::nullopt;
    if (!limits.admits_method(call.interface->name, call.operation->name)) co_return fault(Code::over_limit);
    const bool admitted = co_await admits(call.principal);
    if (!admitted) co_return fault(Code::over_limit);
    co_return std::nullopt;
}

asio::awaitable<bool> Admission::admits(auth::PrincipalPtr principal) {
    const auto& limits = principal->limits();
    if (!limits.admits_time(std::chrono::system_clock::now())) co_return false;
    if (!limits.requests_per_second || database_ == nullptr) co_return true;
    co_return co_await take_request(principal->id(), *limits.requests_per_second);
}

asio::awaitable<bool> Admission::take_request(std::int64_t principal, std::int64_t limit) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = used_up_.find(principal);
        if (found != used_up_.end() && Clock::now() < found->second) co_return false;
    }
    const auto work = [principal, limit](base::sql::Session& session) {
        return session.exec("select auth.take_request($1, $2)", base::sql::params(principal, limit))
            .integer(0, 0);
    };
    const std::chrono::milliseconds left(co_await database_->run(work));
    if (left.count() == 0) co_return true;
    const std::lock_guard lock(mutex_);
    used_up_[principal] = Clock::now() + left;
    co_return false;
}

}  // namespace frontend
