// What telephony's parts are told, made of the settings.
#pragma once

#include "app/settings.hpp"
#include "frontend/node_link.hpp"
#include "telephony/applications/soap_applications.hpp"
#include "telephony/callhandling/call_handling.hpp"
#include "telephony/callnotification/managers.hpp"
#include "telephony/calls/door.hpp"
#include "telephony/calls/inbound_calls.hpp"
#include "telephony/calls/local_domain.hpp"
#include "telephony/calls/records.hpp"
#include "telephony/calls/registrar.hpp"
#include "telephony/media/audio_bridge.hpp"
#include "telephony/sip/agent.hpp"
#include "telephony/tasks/directory.hpp"
#include "telephony/thirdpartycall/third_party_call.hpp"

#include <cstdint>
#include <string>

namespace app {

[[nodiscard]] tasks::DirectoryOptions directory_options(const Settings::Call& settings, std::string run);
[[nodiscard]] thirdpartycall::ThirdPartyCall::Options service_options(const Settings& settings,
                                                                      const std::string& address);
[[nodiscard]] media::AudioBridgeOptions bridge_options(const Settings::Media& settings);
[[nodiscard]] callnotification::Managers::Options manager_options(const Settings::Notifications& settings,
                                                                  const frontend::SoapClient& client);
[[nodiscard]] applications::SoapApplications::Options application_options(const Settings& all);
[[nodiscard]] sip::Credentials credentials(const Settings::Sip& settings);
[[nodiscard]] sip::StreamLimits stream_limits(const Settings::Sip& settings);
[[nodiscard]] callhandling::CallHandling::Options handling_options(const Settings& settings);
[[nodiscard]] calls::Recorder recorder_of(const Settings::Sip& settings);
/// Where other nodes reach this one's HTTP: an address that stands for all of the machine's is of no use to
/// them, but the one that SIP is reached at is.
[[nodiscard]] std::string node_url(const Settings& settings, std::uint16_t port);
[[nodiscard]] frontend::NodeLinkOptions link_options(const Settings& settings,
                                                     const calls::Recorder& recorder);
[[nodiscard]] calls::LocalDomain local_domain(const Settings& settings, const ListenAddress& listen);
[[nodiscard]] calls::Door::Options door_options(const Settings::Sip& settings);
[[nodiscard]] calls::Registrar::Options registrar_options(const Settings& settings,
                                                          const calls::LocalDomain& local);
[[nodiscard]] calls::InboundCalls::Options inbound_options(const Settings& settings,
                                                           const calls::LocalDomain& local,
                                                           const std::string& address,
                                                           const std::string& run);

}  // namespace app
