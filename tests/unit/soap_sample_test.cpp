// Example requests are requests: what is published decodes, for every operation of every version.
#include "app/interfaces.hpp"
#include "frontend/index_page.hpp"
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/sample.hpp"
#include "frontend/soap/wsdl.hpp"
#include "payment/interfaces.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace {

TEST(Sample, decodes_as_the_operation_that_it_shows) {
    const soap::XmlRuntime runtime;
    const soap::Catalogue catalogue(app::published_interfaces());
    const soap::Decoder decoder(runtime, catalogue);
    std::size_t samples = 0;
    for (const auto* interface : catalogue.interfaces()) {
        for (const auto& version : interface->versions) {
            for (const auto& operation : interface->operations) {
                // What applications serve is not decoded here.
                if (operation.role == soap::Role::called) continue;
                if (!operation.versions.contains(version.number)) continue;
                const soap::Endpoint endpoint{interface, &version};
                const auto text =
                    soap::published_document(endpoint, "sample=" + std::string(operation.name), "");
                ASSERT_TRUE(text) << interface->name << operation.name;
                const auto decoded = decoder.decode(*text);
                const auto* request = std::get_if<soap::Request>(&decoded);
                ASSERT_NE(request, nullptr) << *text << std::get<soap::Failure>(decoded).fault.faultstring();
                EXPECT_EQ(request->operation, &operation);
                EXPECT_EQ(request->version, &version);
                ++samples;
            }
        }
    }
    EXPECT_GT(samples, 20U);
}

TEST(Sample, is_not_there_for_operations_that_are_not) {
    const soap::Interface& interface = *payment::interfaces.front();
    EXPECT_EQ(soap::published_document({&interface, &interface.versions.front()}, "sample=payMe", ""),
              std::nullopt);
}

TEST(IndexPage, links_every_operation_version_and_wsdl_and_escapes_its_address) {
    const soap::Catalogue catalogue(app::published_interfaces());
    const auto page = frontend::index_page(catalogue, "http://h/\"><script>");
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    for (const auto* interface : catalogue.interfaces()) {
        for (const auto& version : interface->versions) {
            const auto place = "/ParlayX/" + std::string(version.name) + '/' + std::string(interface->name);
            EXPECT_NE(page.find(place + "?wsdl\""), std::string::npos) << place;
            for (const auto& operation : interface->operations) {
                if (!operation.versions.contains(version.number)) continue;
                EXPECT_NE(page.find(place + "?sample=" + std::string(operation.name) + '"'),
                          std::string::npos);
            }
        }
    }
}

}  // namespace
