// What a reader of XML tells, to be compared with what another one tells.
#pragma once

#include "frontend/soap/names.hpp"
#include "frontend/soap/xml_reader.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tests {

inline constexpr std::string_view xsi = "http://www.w3.org/2001/XMLSchema-instance";

/// Everything that a reader tells, as one text. Pieces of one text are joined: where they are cut is free.
class XmlRecorder final : public soap::XmlEvents {
  public:
    void start(std::string_view name_space, std::string_view local,
               const soap::XmlAttributes& attributes) override {
        told.append("\x01{").append(name_space).append("}").append(local);
        for (const auto& [space, name] : {std::pair<std::string_view, std::string_view>{"", "a"},
                                          {"", "Type"},
                                          {xsi, "nil"},
                                          {soap::names::envelope(soap::SoapVersion::v1_1), "mustUnderstand"}})
            told.append(" ").append(attributes.find(space, name));
        told += attributes.empty() ? "" : " +";
        in_text_ = false;
    }
    void text(std::string_view piece) override {
        if (!in_text_) told += '\x02';
        told += piece;
        in_text_ = true;
    }
    void end() override {
        told += '\x03';
        in_text_ = false;
    }
    std::string told;

  private:
    bool in_text_ = false;
};

}  // namespace tests
