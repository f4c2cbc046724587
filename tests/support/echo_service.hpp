// A service of two operations for tests of the front end: what anybody writes who adds one.
#pragma once

#include "base/database.hpp"
#include "frontend/service.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

namespace tests {

struct Echo {
    std::string address;
    std::string text;
};
struct EchoResponse {
    std::string result;
};
struct Fail {
    std::string how;
};

}  // namespace tests

template <>
struct soap::Describe<tests::Echo> {
    static constexpr Field fields[]{field<&tests::Echo::address>("address", {.type = &xsd::any_uri}),
                                    field<&tests::Echo::text>("text")};
    static constexpr Type type = complex_type<tests::Echo>("echo", Home::local, fields);
};
template <>
struct soap::Describe<tests::EchoResponse> {
    static constexpr Field fields[]{field<&tests::EchoResponse::result>("result")};
    static constexpr Type type = complex_type<tests::EchoResponse>("echoResponse", Home::local, fields);
};
template <>
struct soap::Describe<tests::Fail> {
    static constexpr Field fields[]{field<&tests::Fail::how>("how")};
    static constexpr Type type = complex_type<tests::Fail>("fail", Home::local, fields);
};

namespace tests {

inline constexpr soap::Version echo_versions[]{{.name = "v2_1",
                                                .number = {2, 1},
                                                .common_number = {2, 1},
                                                .local = "urn:test/echo/v2_1/local",
                                                .types = "",
                                                .common = "http://www.csapi.org/schema/parlayx/common/v2_1",
                                                .wsdl_interface = "urn:test/wsdl/echo/v2_1/interface",
                                                .wsdl_service = "urn:test/wsdl/echo/v2_1/service",
                                                .faults = "urn:test/wsdl/common/v2_0/faults"}};
inline constexpr soap::OperationTable echo_operations[]{soap::operation<Echo, EchoResponse>("echo"),
                                                        soap::operation<Fail>("fail")};
inline constexpr soap::Interface echo_interface{
    .name = "Echo", .file_base = "test_echo", .versions = echo_versions, .operations = echo_operations};

class EchoService {
  public:
    template <class Response>
    using Handled = boost::asio::awaitable<frontend::Answer<Response>>;

    Handled<EchoResponse> echo(const frontend::Call& call, Echo request) {
        const std::optional<std::string_view> domain = "example.com";
        if (auto fault = frontend::refusal(call, domain, request.address)) co_return std::move(*fault);
        const bool again = !call.idempotency_key.empty();
        co_return frontend::Reply<EchoResponse>{{call.principal->login() + " says " + request.text}, again};
    }

    Handled<soap::Empty> fail(const frontend::Call&, Fail request) {
        if (request.how == "busy") throw base::DatabaseBusy();
        if (request.how == "away") throw base::sql::Error(base::sql::Failure::connection, "", "gone");
        if (request.how == "defect") throw std::runtime_error("a secret of the program");
        if (const auto known = refusals.find(request.how); known != refusals.end()) co_return known->second;
        co_return soap::Fault::service("SVC0270");
    }

    std::map<std::string, frontend::Refused> refusals;  ///< what `fail` answers, by `how`

    [[nodiscard]] frontend::Service service() {
        frontend::Service result(echo_interface);
        result.serve<&EchoService::echo>(*this, "echo", auth::Permission::account_read);
        result.serve<&EchoService::fail>(*this, "fail", auth::Permission::account_read);
        return result;
    }
};

}  // namespace tests
