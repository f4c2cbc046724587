// What the SOAP tests share: a decoder over AmountCharging, and envelopes around bodies.
#pragma once

#include "frontend/soap/envelope.hpp"
#include "payment/amount_messages.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace soap_test {

inline constexpr std::string_view soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view soap12 = "http://www.w3.org/2003/05/soap-envelope";
inline constexpr std::string_view local21 =
    "http://www.csapi.org/schema/parlayx/payment/amount_charging/v2_1/local";

inline std::string envelope(std::string_view body, std::string_view header = "",
                            std::string_view ns = soap11) {
    std::string out = "<s:Envelope xmlns:s='" + std::string(ns) + "' xmlns:l='" + std::string(local21) + "'>";
    if (!header.empty()) out.append("<s:Header>").append(header).append("</s:Header>");
    return out.append("<s:Body>").append(body).append("</s:Body></s:Envelope>");
}

/// A v2_1 chargeAmount envelope around these children.
inline std::string charge(std::string_view children) {
    return envelope("<l:chargeAmount>" + std::string(children) + "</l:chargeAmount>");
}

inline constexpr std::string_view good_children =
    "<l:endUserIdentifier>tel:+15550001</l:endUserIdentifier>"
    "<l:charge><description>song</description><currency>EUR</currency><amount>1.50</amount><code>M</code></"
    "l:charge>"
    "<l:referenceCode>r-1</l:referenceCode>";

/// The good children with one piece replaced by another.
inline std::string with(std::string_view piece, std::string_view other) {
    std::string out(good_children);
    const std::size_t at = out.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return out.replace(at, piece.size(), other);
}

class SoapTest : public testing::Test {
  protected:
    soap::Decoded decode(std::string_view bytes, std::optional<soap::Endpoint> only = {}) {
        return decoder.decode(bytes, only);
    }
    /// The request, or a test failure that shows the fault.
    soap::Request request(std::string_view bytes, std::optional<soap::Endpoint> only = {}) {
        auto decoded = decode(bytes, only);
        if (auto* failure = std::get_if<soap::Failure>(&decoded)) {
            ADD_FAILURE() << failure->fault.faultstring() << "\n" << bytes;
            throw std::runtime_error("not decoded");
        }
        return std::get<soap::Request>(std::move(decoded));
    }
    payment::ChargeAmount charge_of(std::string_view bytes) {
        return request(bytes).message.as<payment::ChargeAmount>();
    }
    soap::Failure failure(std::string_view bytes, std::optional<soap::Endpoint> only = {}) {
        auto decoded = decode(bytes, only);
        if (std::holds_alternative<soap::Request>(decoded)) {
            ADD_FAILURE() << "accepted: " << bytes;
            throw std::runtime_error("accepted");
        }
        return std::get<soap::Failure>(std::move(decoded));
    }
    /// `SVC0002: …`, or the reason of a plain fault.
    std::string faultstring(std::string_view bytes) { return failure(bytes).fault.faultstring(); }

    soap::XmlRuntime runtime;
    soap::Catalogue catalogue{{&payment::amount_charging}};
    soap::Decoder decoder{runtime, catalogue};
};

}  // namespace soap_test
