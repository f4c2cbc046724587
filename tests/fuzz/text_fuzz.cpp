// Any bytes as the small texts that clients, peers and operators write: addresses, numbers, times, dialogs,
// session descriptions. The first byte says which.
#include "base/decimal.hpp"
#include "frontend/auth/message_credentials.hpp"
#include "ledger/address.hpp"
#include "ledger/voucher_code.hpp"
#include "telephony/calls/sdp.hpp"
#include "telephony/media/description.hpp"
#include "telephony/sip/dialog_state.hpp"
#include "telephony/tasks/question.hpp"
#include "tests/fuzz/property.hpp"

#include <array>
#include <string_view>

namespace {

void address(std::string_view text) {
    const auto normal = ledger::normal_address(text);
    if (text.find_first_of(" \t\r\n") != std::string_view::npos) return;  // no URI has any
    fuzz::require(ledger::normal_address(normal) == normal, "a normal address has one spelling");
    static const ledger::NumberingPlan plan{.country = "49"};
    const auto readings = ledger::readings_of(text, plan);
    fuzz::require(!readings.empty(), "an address means something");
    for (const auto& reading : readings)
        fuzz::require(ledger::normal_address(reading) == reading, "readings are normal");
}

void decimal(std::string_view text) {
    const auto number = base::Decimal::parse(text);
    if (!number || number->overflow) return;
    fuzz::require(base::Decimal::parse(number->text()) == number, "a number is read as it is written");
    fuzz::require(base::Decimal::parse(number->text(2)) == number, "decimals that are 0 change nothing");
}

void times(std::string_view text) {
    (void)auth::parse_created(text);
    (void)auth::parse_time_stamp(text);
}

void voucher(std::string_view text) {
    const auto normal = ledger::normal_voucher_code(text);
    fuzz::require(ledger::normal_voucher_code(normal) == normal, "a voucher's code has one spelling");
}

void dialog(std::string_view text) {
    const auto state = sip::dialog_state_from(text);
    if (!state) return;
    const auto written = sip::to_string(*state);
    const auto again = sip::dialog_state_from(written);
    fuzz::require(again && sip::to_string(*again) == written, "a dialog is read as it is written");
}

void description(std::string_view text) {
    namespace sdp = calls::sdp;
    const sdp::Origin origin{.session = 1, .version = 2, .address = "127.0.0.1"};
    const auto lines = sdp::media_lines(text);
    fuzz::require(sdp::media_lines(sdp::padded(text, lines + 2)) == lines + 2, "padding adds m= lines");
    fuzz::require(sdp::media_lines(sdp::cut(text, 1)) <= 1, "cutting takes m= lines away");
    fuzz::require(sdp::media_lines(sdp::with_origin(text, origin)) == lines, "o= is no m=");
    fuzz::require(sdp::media_lines(sdp::held_answer(text, origin)) == lines, "each m= is answered on hold");
    const auto refusing = sdp::refusing_answer(text, origin);
    fuzz::require(sdp::media_lines(refusing) == lines, "each m= is refused");
    fuzz::require(sdp::media(refusing).empty(), "what is refused has no media");
    for (const auto& medium : sdp::media(sdp::limited(text, {.sends = false, .receives = false})))
        fuzz::require(medium.kind == "audio" && !medium.sends && !medium.receives, "limits hold");
    (void)sdp::on_hold(text);
    (void)sdp::adds_media(text, refusing);
}

void offer(std::string_view text) {
    const auto offer = media::read_offer(text);
    if (!offer) return;
    const auto answer = media::answer_to(*offer, "127.0.0.1", 4000);
    fuzz::require(calls::sdp::media_lines(answer) == offer->sections.size(), "each m= is answered");
}

void question(std::string_view text) {
    (void)tasks::question_from_json(text);
    (void)tasks::answer_from_json(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array readers{address, decimal, times, voucher, dialog, description, offer, question};
    if (size == 0) return 0;
    readers[data[0] % readers.size()]({reinterpret_cast<const char*>(data + 1), size - 1});
    return 0;
}
