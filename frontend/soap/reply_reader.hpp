// Reads replies to our own requests: the response, or a fault of either SOAP version.
#pragma once

#include "frontend/soap/envelope_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace soap {

class ReplyReader final : public EnvelopeReader {
  public:
    explicit ReplyReader(const Limits& limits) : EnvelopeReader(limits), limits_(&limits), message_(limits) {}

    /// To be called before each parse.
    void reset(const Endpoint& endpoint, const OperationTable& operation);
    /// After a parse that was not refused: a Message or a Fault.
    [[nodiscard]] Reply take_reply();

  private:
    void header_begins() override {}
    void header_start(std::string_view, std::string_view, const XmlAttributes&) override {}
    void header_text(std::string_view) override {}
    void header_end() override {}
    void body_child(std::string_view name_space, std::string_view local) override;
    void body_start(std::string_view name_space, std::string_view local,
                    const XmlAttributes& attributes) override;
    void body_text(std::string_view piece) override;
    void body_end() override;

    void start_in_fault(std::string_view local);

    const Limits* limits_;
    MessageReader message_;
    Endpoint endpoint_;
    const OperationTable* operation_ = nullptr;
    std::string element_, name_space_;
    Message response_;

    // A fault is read by local names alone: what servers send here is seldom what their schemas say.
    bool is_fault_ = false;
    std::vector<std::string> path_;  ///< of the elements inside Fault
    Fault fault_;
    std::string code_, reason_;
    std::string* target_ = nullptr;
};

}  // namespace soap
