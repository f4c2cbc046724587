// Message tables: one description per SOAP message, from which the decoder, the encoder and the published
// schema come.
//
// Templates only build the tables; what walks them (decode, encode, schema) are plain functions. A message is
// a C++ struct with a specialisation of Describe that lists its fields:
//
//     template <>
//     struct soap::Describe<payment::ChargeAmount> {
//         using T = payment::ChargeAmount;
//         static constexpr Field fields[]{
//             field<&T::end_user>("endUserIdentifier", {.type = &xsd::any_uri}),
//             field<&T::charge>("charge"),
//             field<&T::balance_type>("balanceType"),  // std::optional: 0..1; std::vector: 0..n
//         };
//         static constexpr Type type = complex_type<T>("ChargeAmount", Home::local, fields);
//     };
//
// Names and cardinalities that differ between versions are several fields over one member, each with its
// versions.
#pragma once

#include "base/decimal.hpp"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace soap {

/// The N_M of a Parlay X namespace's `vN_M`; the ordinal that version ranges compare.
struct VersionNumber {
    int major = 0;
    int minor = 0;
    constexpr auto operator<=>(const VersionNumber&) const = default;
};

/// Both ends belong to the range.
struct VersionRange {
    VersionNumber since{};
    VersionNumber until{std::numeric_limits<int>::max(), 0};
    [[nodiscard]] constexpr bool contains(VersionNumber number) const {
        return since <= number && number <= until;
    }
};

/// The schema that a type belongs to, and so the qualification of its members: children of a `local` type
/// carry the interface's /local namespace, members of `types` and `common` types carry none (ES 202 391-1,
/// clause 9). It also says whose version number the type's fields are filtered by: the interface's, or that
/// of the common schema.
enum class Home : std::uint8_t { local, types, common };

struct Type;

/// A moment in UTC; what xsd:dateTime is kept as.
using TimePoint = std::chrono::sys_time<std::chrono::microseconds>;

/// One child element of a complex type: its name, type and cardinality, and where it lives in the C++ struct.
struct Field {
    std::string_view name;
    const Type* type = nullptr;
    std::uint32_t min = 1;
    std::uint32_t max = 1;
    VersionRange versions{};
    bool join = false;           ///< occurrences beyond the first are appended to the text, separated by "; "
    bool may_be_absent = false;  ///< the member is an optional: an empty element leaves it absent

    void* (*add)(void* object) = nullptr;  ///< storage for the next occurrence (emplaces, appends)
    void (*drop)(void* object) =
        nullptr;  ///< takes the last added occurrence away again; null when it cannot be
    std::size_t (*count)(const void* object) = nullptr;  ///< occurrences present
    const void* (*at)(const void* object, std::size_t index) = nullptr;
};

inline constexpr std::uint32_t unbounded = std::numeric_limits<std::uint32_t>::max();

enum class Kind : std::uint8_t { simple, enumeration, complex };

/// What becomes of children that a complex type does not name.
enum class UnknownChildren : std::uint8_t {
    refused,              ///< unless the service is told to ignore them
    skipped,              ///< where the standard's names are uncertain
    skipped_beside_known  ///< there, but not all that it has may be unknown
};

/// A simple type (parse and print), an enumeration (those, over literals) or a complex type (fields, in
/// schema order).
struct Type {
    std::string_view name;  ///< of a built-in type without prefix, e.g. `anyURI`
    Kind kind = Kind::simple;
    Home home = Home::local;      ///< of built-in types: meaningless
    bool preserve_space = false;  ///< the whiteSpace facet is preserve (xsd:string); otherwise collapse
    UnknownChildren unknown = UnknownChildren::refused;
    std::span<const std::string_view> literals{};
    std::span<const Field> fields{};
    const void* storage = nullptr;  ///< identifies the C++ type, see storage_id

    bool (*parse)(const Type& type, void* value, std::string_view text) = nullptr;
    void (*print)(const Type& type, const void* value, std::string& out) = nullptr;  ///< unescaped
    void* (*create)() = nullptr;
    void (*destroy)(void* object) noexcept = nullptr;
};

/// Specialised once per message, structure and enumeration: `static constexpr Type type`.
template <class T>
struct Describe;

namespace detail {

template <class T>
struct StorageId {
    static constexpr char id = 0;
};

/// Distinct for each C++ type; tables check with it that a wire type fits the member it is put on.
template <class T>
inline constexpr const void* storage_id = &StorageId<T>::id;

bool parse_string(const Type&, void* value, std::string_view text);
bool parse_decimal(const Type&, void* value, std::string_view text);
bool parse_int(const Type&, void* value, std::string_view text);
bool parse_long(const Type&, void* value, std::string_view text);
bool parse_boolean(const Type&, void* value, std::string_view text);
bool parse_date_time(const Type&, void* value, std::string_view text);
void print_string(const Type&, const void* value, std::string& out);
void print_decimal(const Type&, const void* value, std::string& out);
void print_int(const Type&, const void* value, std::string& out);
void print_long(const Type&, const void* value, std::string& out);
void print_boolean(const Type&, const void* value, std::string& out);
void print_date_time(const Type&, const void* value, std::string& out);
/// The index of `text` among the literals, or nothing.
std::optional<std::size_t> find_literal(const Type& type, std::string_view text);

}  // namespace detail

/// The built-in types (XML Schema part 2) that Parlay X uses.
namespace xsd {

inline constexpr Type string{.name = "string",
                             .preserve_space = true,
                             .storage = detail::storage_id<std::string>,
                             .parse = detail::parse_string,
                             .print = detail::print_string};
inline constexpr Type any_uri{.name = "anyURI",
                              .storage = detail::storage_id<std::string>,
                              .parse = detail::parse_string,
                              .print = detail::print_string};
inline constexpr Type decimal{.name = "decimal",
                              .storage = detail::storage_id<base::Decimal>,
                              .parse = detail::parse_decimal,
                              .print = detail::print_decimal};
/// 32 bits; anything beyond is a bad value.
inline constexpr Type int_{.name = "int",
                           .storage = detail::storage_id<std::int32_t>,
                           .parse = detail::parse_int,
                           .print = detail::print_int};
/// 64 bits; anything beyond is a bad value.
inline constexpr Type long_{.name = "long",
                            .storage = detail::storage_id<std::int64_t>,
                            .parse = detail::parse_long,
                            .print = detail::print_long};
inline constexpr Type boolean{.name = "boolean",
                              .storage = detail::storage_id<bool>,
                              .parse = detail::parse_boolean,
                              .print = detail::print_boolean};
/// Read with or without a zone (none: UTC), printed with Z; fractions of a second to the microsecond.
inline constexpr Type date_time{.name = "dateTime",
                                .storage = detail::storage_id<TimePoint>,
                                .parse = detail::parse_date_time,
                                .print = detail::print_date_time};

}  // namespace xsd

namespace detail {

template <class T>
constexpr const Type* default_type() {
    if constexpr (std::is_same_v<T, std::string>)
        return &xsd::string;
    else if constexpr (std::is_same_v<T, base::Decimal>)
        return &xsd::decimal;
    else if constexpr (std::is_same_v<T, std::int32_t>)
        return &xsd::int_;
    else if constexpr (std::is_same_v<T, std::int64_t>)
        return &xsd::long_;
    else if constexpr (std::is_same_v<T, bool>)
        return &xsd::boolean;
    else if constexpr (std::is_same_v<T, TimePoint>)
        return &xsd::date_time;
    else
        return &Describe<T>::type;
}

template <class T>
struct Member {
    using Value = T;
    static constexpr bool optional = false, repeated = false;
};
template <class T>
struct Member<std::optional<T>> {
    using Value = T;
    static constexpr bool optional = true, repeated = false;
};
template <class T>
struct Member<std::vector<T>> {
    using Value = T;
    static constexpr bool optional = false, repeated = true;
};

template <class P>
struct PointerTo;
template <class C, class M>
struct PointerTo<M C::*> {
    using Class = C;
    using Stored = M;
};

template <auto Pointer>
struct Access {
    using Class = typename PointerTo<decltype(Pointer)>::Class;
    using Stored = typename PointerTo<decltype(Pointer)>::Stored;
    using Traits = Member<Stored>;

    static void* add(void* object) {
        auto& member = static_cast<Class*>(object)->*Pointer;
        if constexpr (Traits::repeated)
            return &member.emplace_back();
        else if constexpr (Traits::optional)
            return &member.emplace();
        else
            return &member;
    }
    static void drop(void* object) {
        auto& member = static_cast<Class*>(object)->*Pointer;
        if constexpr (Traits::repeated)
            member.pop_back();
        else if constexpr (Traits::optional)
            member.reset();
    }
    static std::size_t count(const void* object) {
        [[maybe_unused]] const auto& member = static_cast<const Class*>(object)->*Pointer;
        if constexpr (Traits::repeated)
            return member.size();
        else if constexpr (Traits::optional)
            return member.has_value() ? 1 : 0;
        else
            return 1;
    }
    static const void* at(const void* object, [[maybe_unused]] std::size_t index) {
        const auto& member = static_cast<const Class*>(object)->*Pointer;
        if constexpr (Traits::repeated)
            return &member[index];
        else if constexpr (Traits::optional)
            return &*member;
        else
            return &member;
    }
};

}  // namespace detail

/// What a field's C++ member does not say. The wire type follows from the member (std::string: xsd:string),
/// the cardinality too (plain: 1, optional: 0..1, vector: 0..unbounded), unless given.
struct FieldOptions {
    std::optional<const Type*> type{};
    std::optional<std::uint32_t> min{};
    std::optional<std::uint32_t> max{};
    VersionRange versions{};
    bool join = false;
};

/// `field<&ChargeAmount::reference_code>("referenceCode")`. A table that contradicts its struct does not
/// compile.
template <auto Pointer>
consteval Field field(std::string_view name, const FieldOptions& options = {}) {
    using Access = detail::Access<Pointer>;
    using Traits = typename Access::Traits;
    Field result;
    result.name = name;
    result.type = options.type.value_or(detail::default_type<typename Traits::Value>());
    result.min = options.min.value_or(Traits::optional || Traits::repeated ? 0 : 1);
    result.max = options.max.value_or(Traits::repeated ? unbounded : 1);
    result.versions = options.versions;
    result.join = options.join;
    result.may_be_absent = Traits::optional;
    result.add = Access::add;
    if (Traits::optional || Traits::repeated) result.drop = Access::drop;
    result.count = Access::count;
    result.at = Access::at;
    if (result.type->storage != detail::storage_id<typename Traits::Value>)
        throw std::logic_error("the wire type does not fit the member");
    if (!Traits::repeated && result.max > 1) throw std::logic_error("several occurrences need a vector");
    if (!Traits::repeated && !Traits::optional && result.min == 0)
        throw std::logic_error("an optional element needs an optional member");
    if (result.join && !std::is_same_v<typename Traits::Value, std::string>)
        throw std::logic_error("only text is joined");
    return result;
}

/// The type of a message or structure. `fields` must outlive it (a static member of the same Describe).
template <class T>
consteval Type complex_type(std::string_view name, Home home, std::span<const Field> fields,
                            UnknownChildren unknown = UnknownChildren::refused) {
    return {.name = name,
            .kind = Kind::complex,
            .home = home,
            .unknown = unknown,
            .fields = fields,
            .storage = detail::storage_id<T>,
            .create = []() -> void* { return new T{}; },
            .destroy = [](void* object) noexcept { delete static_cast<T*>(object); }};
}

/// An enumeration whose enumerators are 0, 1, … in the order of `literals`.
template <class E>
consteval Type enumeration_type(std::string_view name, Home home,
                                std::span<const std::string_view> literals) {
    static_assert(std::is_enum_v<E>);
    return {.name = name,
            .kind = Kind::enumeration,
            .home = home,
            .literals = literals,
            .storage = detail::storage_id<E>,
            .parse =
                [](const Type& type, void* value, std::string_view text) {
                    const auto index = detail::find_literal(type, text);
                    if (index) *static_cast<E*>(value) = static_cast<E>(*index);
                    return index.has_value();
                },
            .print =
                [](const Type& type, const void* value, std::string& out) {
                    out += type.literals[static_cast<std::size_t>(*static_cast<const E*>(value))];
                }};
}

/// A message without children: the response of most operations.
struct Empty {
    bool operator==(const Empty&) const = default;
};

template <>
struct Describe<Empty> {
    static constexpr Type type = complex_type<Empty>("Empty", Home::local, {});
};

/// Owns one message of any described type.
class Message {
  public:
    Message() = default;
    /// A default-constructed message of that (complex) type.
    explicit Message(const Type& type) : type_(&type), object_(type.create(), type.destroy) {}

    template <class T>
    static Message of(T value) {
        Message result(Describe<T>::type);
        result.as<T>() = std::move(value);
        return result;
    }

    [[nodiscard]] const Type* type() const { return type_; }  ///< null: empty
    [[nodiscard]] void* data() { return object_.get(); }
    [[nodiscard]] const void* data() const { return object_.get(); }

    template <class T>
    [[nodiscard]] bool is() const {
        return object_ && type_->storage == detail::storage_id<T>;
    }
    /// The message as what it is; std::logic_error for anything else (a mistake in the tables, not of a
    /// client).
    template <class T>
    [[nodiscard]] T& as() {
        if (!is<T>()) throw std::logic_error("soap::Message holds another type");
        return *static_cast<T*>(object_.get());
    }
    template <class T>
    [[nodiscard]] const T& as() const {
        if (!is<T>()) throw std::logic_error("soap::Message holds another type");
        return *static_cast<const T*>(object_.get());
    }

  private:
    const Type* type_ = nullptr;
    std::unique_ptr<void, void (*)(void*) noexcept> object_{nullptr, [](void*) noexcept {}};
};

}  // namespace soap
