// Calls an application as the server would, without a server: for endpoints that other people's programs
// make.
//
//     call_application URL ask|tell MANAGER_VERSION EVENT
//
// prints what its answer comes to; exit status 1: nothing. MANAGER_VERSION as in namespaces, e.g. v3_1.
#include "telephony/applications/translation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace {

using applications::Directive;
using applications::Verb;

std::string text_of(const Directive& directive) {
    static constexpr std::string_view verbs[]{"Continue", "Route", "Fork", "EndCall"};
    std::string text(verbs[static_cast<std::size_t>(directive.verb)]);
    for (const auto& address : directive.addresses) text += ' ' + address;
    if (directive.toll && directive.toll->charging.amount)
        text += " for " + directive.toll->charging.amount->text();
    return text;
}

int call(const std::vector<std::string>& arguments) {
    applications::Notification notification;
    notification.endpoint = arguments.at(1);
    notification.correlator = "c-1";
    notification.manner = arguments.at(2) == "ask" ? applications::Manner::ask : applications::Manner::tell;
    notification.manager = soap::version_in("urn:/" + arguments.at(3) + "/").value();
    const applications::Question question{
        "",  applications::event_named(arguments.at(4)).value(), "tel:+15550001", "Al & Co.", "tel:+15550002",
        "42"};
    auto outgoing = call_of(notification, question).value();

    const soap::XmlRuntime xml;
    const soap::Catalogue catalogue({outgoing.endpoint.interface});
    const soap::Decoder decoder(xml, catalogue);
    boost::asio::io_context context(1);
    http::ClientOptions options;
    options.allowed = http::Networks::parse("127.0.0.0/8").value();
    frontend::SoapClient client(decoder, options);
    auto result = boost::asio::co_spawn(context, client.call(std::move(outgoing)), boost::asio::use_future);
    context.run();
    auto answer = result.get();
    if (const auto* fault = std::get_if<soap::Fault>(&answer)) {
        std::cout << "fault: " << fault->text << '\n';
        return 1;
    }
    if (const auto* failure = std::get_if<frontend::Undelivered>(&answer)) {
        std::cout << failure->reason << '\n';
        return 1;
    }
    auto& message = std::get<soap::Message>(answer);
    if (!message.is<applications::ActionResult>()) {
        std::cout << "told\n";
        return 0;
    }
    auto& action = message.as<applications::ActionResult>().result;
    const auto directive = directive_of(notification, std::move(action), 10);
    std::cout << (directive ? text_of(*directive) : "nonsense") << '\n';
    return directive ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return call({argv, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "call_application: " << error.what() << '\n';
        return 2;
    }
}
