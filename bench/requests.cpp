// Forms that are filled in: making each request anew would cost more than sending it.
#include "bench/requests.hpp"

#include "base/ids.hpp"

#include <cmath>

namespace bench {
namespace {

constexpr std::int64_t first_number = 15'550'000'000;  ///< the one before account 1's
constexpr std::string_view address_blank = "@@@@@@@@@@@";
constexpr std::string_view reference_blank = "############";

constexpr std::string_view charge_body =
    "<endUserIdentifier>tel:+@@@@@@@@@@@</endUserIdentifier><charge><description>song</description>"
    "<currency>EUR</currency><amount>1.50</amount></charge>";

/// `value` over the last digits of a place of `digits` that has zeros or an older, smaller value.
void put(std::string& bytes, std::size_t at, std::size_t digits, std::int64_t value) {
    for (auto place = at + digits; place > at && value > 0; value /= 10)
        bytes[--place] = static_cast<char>('0' + value % 10);
}

/// Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994, with theta 0.99.
std::function<std::int64_t()> zipf(std::int64_t n, std::mt19937_64& random) {
    constexpr double theta = 0.99;
    double zeta = 0;
    for (std::int64_t i = 1; i <= n; ++i) zeta += 1 / std::pow(static_cast<double>(i), theta);
    const double zeta_of_two = 1 + std::pow(0.5, theta);
    const auto count = static_cast<double>(n);
    const double eta = (1 - std::pow(2 / count, 1 - theta)) / (1 - zeta_of_two / zeta);
    return [=, &random]() -> std::int64_t {
        const double u = std::uniform_real_distribution<double>()(random);
        if (u * zeta < 1) return 1;
        if (u * zeta < zeta_of_two) return 2;
        return 1 + static_cast<std::int64_t>(count * std::pow(eta * u - eta + 1, 1 / (1 - theta)));
    };
}

}  // namespace

Requests::Requests(Mix mix, std::int64_t accounts, const std::string& authorization)
    : mix_(mix),
      authorization_(authorization),
      run_(base::random_hex_id().substr(0, 12) + '-'),
      random_(std::random_device{}()) {
    switch (mix) {
        case Mix::zipf:
            pick_ = zipf(accounts, random_);
            break;
        case Mix::hot:
            pick_ = [] { return std::int64_t{1}; };
            break;
        case Mix::each:
            pick_ = [this, accounts] { return 1 + (count_ - 1) % accounts; };
            break;
        case Mix::uniform:
        case Mix::pairs:
            pick_ = [this, any = std::uniform_int_distribution<std::int64_t>(1, accounts)]() mutable {
                return any(random_);
            };
    }
    const std::string charge(charge_body);
    if (mix == Mix::pairs)
        form_ = form("ReserveAmountCharging", "reserveAmount", charge);
    else
        form_ = form("AmountCharging", "chargeAmount",
                     charge + "<referenceCode>" + run_ + std::string(reference_blank) + "</referenceCode>");
}

Requests::Form Requests::form(std::string_view interface, std::string_view operation,
                              const std::string& body) const {
    const std::string name(operation);
    const std::string schema = interface == "AmountCharging" ? "amount_charging" : "reserve_amount_charging";
    const auto envelope =
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
        "xmlns:n=\"http://www.csapi.org/schema/parlayx/payment/" +
        schema + "/v3_1/local\"><soapenv:Header/><soapenv:Body><n:" + name + ">" + body + "</n:" + name +
        "></soapenv:Body></soapenv:Envelope>";
    Form made;
    made.bytes = "POST /ParlayX/v3_1/" + std::string(interface) +
                 " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
                 "SOAPAction: \"\"\r\nAuthorization: " +
                 authorization_ + "\r\nContent-Length: " + std::to_string(envelope.size()) + "\r\n\r\n" +
                 envelope;
    made.address = made.bytes.find(address_blank);
    made.reference = made.bytes.find(reference_blank);
    if (made.reference != std::string::npos)
        made.bytes.replace(made.reference, reference_blank.size(), reference_blank.size(), '0');
    return made;
}

std::string_view Requests::filled(Form& form) {
    put(form.bytes, form.address, address_blank.size(), first_number + pick_());
    if (form.reference != std::string::npos) put(form.bytes, form.reference, reference_blank.size(), count_);
    return form.bytes;
}

std::string_view Requests::next() {
    ++count_;
    return reserved_.empty() ? filled(form_) : capture();
}

/// Of one of the reservations.
std::string_view Requests::capture() {
    const auto body = "<reservationIdentifier>" + reserved_.back() +
                      "</reservationIdentifier><charge><description>song</description><currency>EUR"
                      "</currency><amount>1.50</amount></charge><referenceCode>" +
                      run_ + std::string(reference_blank) + "</referenceCode>";
    reserved_.pop_back();
    capture_ = form("ReserveAmountCharging", "chargeReservation", body);
    put(capture_.bytes, capture_.reference, reference_blank.size(), count_);
    return capture_.bytes;
}

void Requests::answered(std::string_view body) {
    if (mix_ != Mix::pairs) return;
    constexpr std::string_view mark = "result>";
    const auto begin = body.find(mark);
    if (begin == std::string_view::npos) return;
    const auto text = body.substr(begin + mark.size());
    reserved_.emplace_back(text.substr(0, text.find('<')));
}

}  // namespace bench
