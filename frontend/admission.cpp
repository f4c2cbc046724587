// The checks, the cheap ones first.
#include "frontend/admission.hpp"

namespace frontend {
namespace asio = boost::asio;

asio::awaitable<std::optional<soap::Fault>> Admission::refusal(const Call& call) {
    const auto& limits = call.principal->limits();
    if (!limits.any()) co_return std::nullopt;
    const bool admitted = limits.admits_method(call.interface->name, call.operation->name) &&
                          limits.admits_time(std::chrono::system_clock::now());
    if (!admitted) co_return fault(Code::over_limit);
    if (!limits.requests_per_second || database_ == nullptr) co_return std::nullopt;
    const bool taken = co_await take_request(call.principal->id(), *limits.requests_per_second);
    if (!taken) co_return fault(Code::over_limit);
    co_return std::nullopt;
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
