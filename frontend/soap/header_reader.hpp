// Reads the SOAP header: credentials and identifiers are kept as text, everything else is passed over, unless
// the sender insists that it be understood.
#pragma once

#include "frontend/soap/envelope.hpp"
#include "frontend/soap/xml_reader.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace soap {

/// Told of everything inside the Header element. Throws Refusal.
class HeaderReader {
  public:
    explicit HeaderReader(const Limits& limits) : limits_(&limits) {}

    void reset(SoapVersion soap);
    void start(std::string_view name_space, std::string_view local, const XmlAttributes& attributes);
    void text(std::string_view piece);
    void end();

    /// After the header: throws when one of its blocks had to be understood and is not. Only then, so that
    /// the sender's credentials are known whatever stands before them.
    void check_understood() const;

    [[nodiscard]] Headers& headers() { return headers_; }

  private:
    /// The blocks that are read.
    enum class Block : std::uint8_t { other, security, request_soap_header, message_id, reply_address };

    void start_block(std::string_view name_space, std::string_view local, const XmlAttributes& attributes);
    void start_security_part(std::string_view local, const XmlAttributes& attributes);
    void keep_text_in_request_soap_header(std::string_view local);
    void note_not_understood(std::string_view part = {});

    const Limits* limits_;
    SoapVersion soap_ = SoapVersion::v1_1;
    Headers headers_;
    int depth_ = 0;  ///< 1: a header block
    Block block_ = Block::other;
    bool must_understand_ = false;
    std::string block_namespace_, block_name_;
    bool in_username_token_ = false, in_timestamp_ = false;
    std::string reply_address_;
    std::optional<Fault> not_understood_;  ///< the first such block
    std::string* target_ = nullptr;        ///< where the text of the present element goes; null: nowhere
};

}  // namespace soap
