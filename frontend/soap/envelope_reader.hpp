// The frame that requests and replies share: Envelope, Header, Body, in either SOAP version.
#pragma once

#include "frontend/soap/header_reader.hpp"
#include "frontend/soap/message_reader.hpp"
#include "frontend/soap/xml_reader.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace soap {

/// Checks the frame and hands on what is inside Header and Body. Throws Refusal with a plain SOAP fault.
class EnvelopeReader : public XmlEvents {
  public:
    explicit EnvelopeReader(const Limits& limits) : limits_(&limits) {}

    void start(std::string_view name_space, std::string_view local, const XmlAttributes& attributes) final;
    void text(std::string_view piece) final;
    void end() final;
    /// After the last event: throws unless there was a Body with one child.
    void check_complete() const;

    [[nodiscard]] SoapVersion soap() const { return soap_; }
    [[nodiscard]] bool has_envelope() const { return has_envelope_; }
    [[nodiscard]] bool has_body() const { return has_body_; }

  protected:
    void reset_envelope();

  private:
    enum class Section : std::uint8_t { none, header, body };

    virtual void header_begins() = 0;
    virtual void header_start(std::string_view name_space, std::string_view local,
                              const XmlAttributes& attributes) = 0;
    virtual void header_text(std::string_view piece) = 0;
    virtual void header_end() = 0;
    /// The Body's child, and what is inside it.
    virtual void body_child(std::string_view name_space, std::string_view local) = 0;
    virtual void body_start(std::string_view name_space, std::string_view local,
                            const XmlAttributes& attributes) = 0;
    virtual void body_text(std::string_view piece) = 0;
    virtual void body_end() = 0;

    void start_envelope(std::string_view name_space, std::string_view local);
    void start_section(std::string_view name_space, std::string_view local);
    void start_body_child(std::string_view name_space, std::string_view local);

    const Limits* limits_;
    SoapVersion soap_ = SoapVersion::v1_1;
    std::size_t depth_ = 0;
    Section section_ = Section::none;
    bool has_envelope_ = false, has_header_ = false, has_body_ = false, has_child_ = false;
};

/// Reads requests: finds the operation and fills its message.
class RequestReader final : public EnvelopeReader {
  public:
    explicit RequestReader(const Limits& limits)
        : EnvelopeReader(limits), header_(limits), message_(limits) {}

    /// To be called before each parse. The catalogue must outlive it.
    void reset(const Catalogue& catalogue, const std::optional<Endpoint>& only, UnknownElements unknown);
    /// After a parse that was not refused.
    [[nodiscard]] Request take_request();
    /// What is known, for the answer to a request that was refused.
    [[nodiscard]] Failure take_failure(Fault fault);

  private:
    void header_begins() override { header_.reset(soap()); }
    void header_start(std::string_view name_space, std::string_view local,
                      const XmlAttributes& attributes) override {
        header_.start(name_space, local, attributes);
    }
    void header_text(std::string_view piece) override { header_.text(piece); }
    void header_end() override { header_.end(); }
    void body_child(std::string_view name_space, std::string_view local) override;
    void body_start(std::string_view name_space, std::string_view local,
                    const XmlAttributes& attributes) override {
        message_.start(name_space, local, attributes);
    }
    void body_text(std::string_view piece) override { message_.text(piece); }
    void body_end() override { (void)message_.end(); }

    [[nodiscard]] Endpoint find_endpoint(std::string_view name_space, std::string_view local);

    HeaderReader header_;
    MessageReader message_;
    const Catalogue* catalogue_ = nullptr;
    std::optional<Endpoint> only_;
    Request request_;
};

}  // namespace soap
