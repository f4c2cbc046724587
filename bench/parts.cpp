// One object holds what the parts need.
#include "bench/parts.hpp"

#include "base/ids.hpp"
#include "base/log.hpp"
#include "frontend/auth/credential_cache.hpp"
#include "frontend/http/connection.hpp"
#include "frontend/http/request_parser.hpp"
#include "frontend/soap/envelope.hpp"
#include "ledger/batch.hpp"
#include "payment/amount_charging.hpp"
#include "payment/interfaces.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace bench {
namespace {

constexpr std::string_view authorization = "Basic Y2hhcmdpbmdAZXhhbXBsZS5jb206c2VjcmV0";
constexpr std::size_t batch = 64;

/// What requests.cpp sends.
std::string envelope(std::string_view inside) {
    return "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
           "xmlns:n=\"http://www.csapi.org/schema/parlayx/payment/amount_charging/v3_1/local\">"
           "<soapenv:Header/><soapenv:Body><n:chargeAmount>"
           "<endUserIdentifier>tel:+15550001234</endUserIdentifier><charge><description>song</description>"
           "<currency>EUR</currency><amount>1.50</amount></charge>"
           "<referenceCode>1234567890-0-1234567</referenceCode>" +
           std::string(inside) + "</n:chargeAmount></soapenv:Body></soapenv:Envelope>";
}

void require(bool condition, const char* part) {
    if (!condition) throw std::logic_error(std::string("the part ") + part + " does not do its work");
}

struct State {
    State() {
        const auto body = envelope("");
        request =
            "POST /ParlayX/v3_1/AmountCharging HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
            "Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\nAuthorization: " +
            std::string(authorization) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
            body;
        cache.put(hasher(authorization), 1, Clock::now());
        decoded = std::get<soap::Request>(decoder.decode(plain));
        response.content_type = soap::content_type(decoded.soap);
        response.add_header("X-Request-Id", "0123456789abcdef-1234567");
        for (std::size_t i = 0; i < batch; ++i) {
            ledger::Account account;
            account.id = static_cast<std::int64_t>(1 + 7919 * i % 100'000);
            account.shard = static_cast<std::int16_t>(i % 8);
            account.epoch = 1;
            auto& posting = postings.emplace_back();
            posting.account = std::make_shared<const ledger::Account>(account);
            posting.application = 1;
            posting.reference = "1234567890-0-" + std::to_string(1'000'000 + i);
            posting.amount = {base::Decimal::of_minor(150, 2), "EUR"};
            posting.contra = "revenue";
            posting.description = "song";
            posting.digest = ledger::digest_of(posting);
        }
        for (const auto& posting : postings) pointers.push_back(&posting);
    }

    void parse_request() {
        require(parser.feed(request).state == http::RequestParser::State::complete, "http_request");
        parser.reset();
    }
    void decode(const std::string& message) {
        require(std::holds_alternative<soap::Request>(decoder.decode(message)), "decode");
    }
    void authenticate() { require(cache.find(hasher(authorization), Clock::now()) != nullptr, "auth"); }
    /// One posting's share: every 64th call does the work of 64.
    void fill_batch() {
        if (++calls % batch != 0) return;
        const auto plan = ledger::plan_batch(pointers);
        const ledger::BatchLimits limits{1'000'000'000'000'000, std::chrono::hours(1)};
        const auto parameters = ledger::batch_parameters(pointers, plan, limits);
        require(parameters.values().front().has_value(), "batch");
    }
    void encode() {
        response.body = soap::encode_response(decoded, empty);
        require(!response.body.empty(), "encode");
    }
    void write_head() {
        head.clear();
        http::append_head(head, response, "Date: Sat, 28 Nov 2026 20:00:00 GMT\r\n", 11, true);
        require(head.ends_with("\r\n\r\n"), "http_response");
    }
    void log() {
        const auto line = base::log_text(base::LogFormat::json, "request", ",\"part\":\"http\"",
                                         {{"request", "0123456789abcdef-1234567"},
                                          {"peer", "127.0.0.1"},
                                          {"user", "charging@example.com"},
                                          {"service", "AmountCharging"},
                                          {"version", "v3_1"},
                                          {"operation", "chargeAmount"},
                                          {"outcome", "done"},
                                          {"fault", ""},
                                          {"cause", ""},
                                          {"status", 200},
                                          {"us", 12'345}});
        require(!line.empty(), "access_log");
    }

    using Clock = std::chrono::steady_clock;
    const std::string plain = envelope("");
    const std::string unusual = envelope("<!-- balanceType -->");
    std::string request, head;
    http::RequestParser parser{http::RequestParser::Limits{}};
    soap::XmlRuntime xml;
    soap::Catalogue catalogue{{payment::interfaces.begin(), payment::interfaces.end()}};
    soap::Decoder decoder{xml, catalogue};
    soap::Request decoded;
    const soap::Message empty = soap::Message::of(soap::Empty{});
    http::Response response;
    auth::CredentialHasher hasher;
    auth::CredentialCache<int> cache{1000, std::chrono::hours(1)};
    std::vector<ledger::Posting> postings;
    std::vector<const ledger::Posting*> pointers;
    std::size_t calls = 0;
};

}  // namespace

std::vector<Part> make_parts() {
    auto state = std::make_shared<State>();
    return {
        {"http_request", [state] { state->parse_request(); }},
        {"decode", [state] { state->decode(state->plain); }},
        {"decode_unusual", [state] { state->decode(state->unusual); }},
        {"auth", [state] { state->authenticate(); }},
        {"batch", [state] { state->fill_batch(); }},
        {"encode", [state] { state->encode(); }},
        {"http_response", [state] { state->write_head(); }},
        {"access_log", [state] { state->log(); }},
    };
}

}  // namespace bench
