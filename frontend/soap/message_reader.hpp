// Fills one message from the events inside its element, as its table says.
#pragma once

#include "frontend/soap/interface.hpp"
#include "frontend/soap/xml_reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace soap {

/// Thrown out of a parse when what was read is to be answered with a fault.
struct Refusal {
    Fault fault;
};

/// Reads messages one after another. Whatever is wrong is thrown as a Refusal: SVC0002 or SVC0003 with the
/// path of the message part, e.g. `charge.amount`; where the message as a whole is meant, the name of its
/// element.
class MessageReader {
  public:
    explicit MessageReader(const Limits& limits) : limits_(&limits) {}

    /// The message's own element has begun. `name_space` is the one that it was written in; children are
    /// accepted in it, in the namespaces of `version`, and in none; where names are uncertain, in any. All of
    /// it must stay until the message is read.
    void begin(const Type& type, void* object, std::string_view element, std::string_view name_space,
               const Version& version);

    /// For all messages that follow. At first they are refused.
    void set_unknown_elements(UnknownElements unknown) { unknown_elements_ = unknown; }

    void start(std::string_view name_space, std::string_view local, const XmlAttributes& attributes);
    void text(std::string_view piece);
    /// True: that was the end of the message.
    [[nodiscard]] bool end();

  private:
    struct Frame {
        const Type* type;
        void* object;        ///< null: the element is skipped (nil, unknown where that is allowed)
        const Field* field;  ///< null: the message itself
        void* parent;        ///< the object that `field` belongs to
        std::size_t counts;  ///< where the occurrences of its fields begin in counts_
        bool has_children, has_known;
        bool is_nil;
    };

    [[nodiscard]] bool is_known_namespace(std::string_view name_space) const;
    [[nodiscard]] VersionNumber number_for(const Type& type) const;
    [[nodiscard]] std::size_t find_field(const Type& type, std::string_view local) const;
    void push(const Type* type, void* object, const Field* field, void* parent);
    void start_field(std::size_t index, const XmlAttributes& attributes);
    void finish_simple(const Frame& frame);
    void finish_complex(const Frame& frame);
    void check_text_size(std::size_t size) const;
    [[nodiscard]] std::string path(std::string_view last = {}) const;
    [[noreturn]] void refuse(std::string_view last = {}) const;

    const Limits* limits_;
    const Version* version_ = nullptr;
    UnknownElements unknown_elements_ = UnknownElements::refuse;
    std::string_view element_, name_space_;
    std::string types_;  ///< of a version that is not listed: the namespace of its structures
    std::vector<Frame> frames_;
    std::vector<std::uint32_t> counts_;
    std::string text_;
};

}  // namespace soap
