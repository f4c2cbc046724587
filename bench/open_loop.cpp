// One thread, a coroutine for each connection, one schedule for all.
#include "bench/open_loop.hpp"

#include "base/ids.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cmath>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>

namespace asio = boost::asio;

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

class Generator {
  public:
    explicit Generator(const OpenLoad& load) : load_(load), random_(std::random_device{}()) {}

    std::vector<double> run() {
        begin_ = next_ = Clock::now() + std::chrono::milliseconds(100);
        for (int i = 0; i < load_.connections; ++i) {
            asio::co_spawn(io_, connection(), [this](const std::exception_ptr& error) {
                if (error && !error_) error_ = error;
            });
        }
        io_.run();
        if (error_) std::rethrow_exception(error_);
        std::ranges::sort(latencies_);
        return std::move(latencies_);
    }

  private:
    asio::awaitable<void> connection() {
        asio::ip::tcp::socket socket(io_);
        const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), load_.port);
        co_await socket.async_connect(server, asio::use_awaitable);
        socket.set_option(asio::ip::tcp::no_delay(true));
        asio::steady_timer timer(io_);
        std::string answer;
        while (!error_) {
            const auto due = next_;
            if (due - begin_ >= load_.duration) break;
            std::exponential_distribution<double> gap(load_.per_second);
            next_ += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap(random_)));
            const auto request = next_request();
            timer.expires_at(due);
            co_await timer.async_wait(asio::use_awaitable);
            co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
            co_await read_answer(socket, answer);
            latencies_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - due).count());
        }
    }

    asio::awaitable<void> read_answer(asio::ip::tcp::socket& socket, std::string& answer) {
        answer.clear();
        const auto head = co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n",
                                                          asio::use_awaitable);
        if (!answer.starts_with("HTTP/1.1 200")) throw std::runtime_error("void: " + answer);
        constexpr std::string_view name = "Content-Length: ";
        const auto at = answer.find(name);
        if (at == std::string::npos || at > head)
            throw std::runtime_error("an answer without its length: " + answer);
        const auto size = head + std::stoul(answer.substr(at + name.size()));
        if (answer.size() < size) {
            co_await asio::async_read(socket, asio::dynamic_buffer(answer),
                                      asio::transfer_exactly(size - answer.size()), asio::use_awaitable);
        }
    }

    std::string next_request() {
        std::uniform_int_distribution<std::int64_t> pick(1, load_.accounts);
        std::array<char, 8> number{};
        std::snprintf(number.data(), number.size(), "%07d", static_cast<int>(pick(random_)));
        const auto body =
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
            "xmlns:n=\"http://www.csapi.org/schema/parlayx/payment/amount_charging/v3_1/"
            "local\"><soapenv:Body>"
            "<n:chargeAmount><endUserIdentifier>tel:+1555" +
            std::string(number.data()) +
            "</endUserIdentifier><charge><description>song</description><currency>EUR</"
            "currency><amount>1.50</amount>"
            "</charge><referenceCode>" +
            base::random_hex_id() + "</referenceCode></n:chargeAmount></soapenv:Body></soapenv:Envelope>";
        return "POST /ParlayX/v3_1/AmountCharging HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
               "SOAPAction: \"\"\r\nAuthorization: " +
               load_.authorization + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    const OpenLoad& load_;
    asio::io_context io_{1};
    std::mt19937_64 random_;
    Clock::time_point begin_, next_;
    std::vector<double> latencies_;
    std::exception_ptr error_;
};

}  // namespace

std::vector<double> run_open_loop(const OpenLoad& load) { return Generator(load).run(); }

double percentile(const std::vector<double>& sorted, double part) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
    return sorted.at(std::max<std::size_t>(rank, 1) - 1);
}

}  // namespace bench
