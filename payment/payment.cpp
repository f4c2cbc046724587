// Puts the four services together.
#include "payment/payment.hpp"

namespace payment {

std::vector<frontend::Service> Payment::services() {
    return {amount_.service(), volume_.service(), reserve_amount_.service(), reserve_volume_.service()};
}

}  // namespace payment
