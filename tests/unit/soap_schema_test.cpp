// The decoder and the schemas that we publish say the same of thousands of messages, except where the decoder
// is liberal on purpose.
//
// A message of a random operation and version is made from its table, changed in one place, and shown to our
// decoder and to Xerces' schema validator. LEDGERLINE_SEED repeats a run.
#include "app/interfaces.hpp"
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/wsdl.hpp"
#include "tests/support/schema_validator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

namespace {

constexpr int messages = 20'000;

/// An element that can be changed before it is written.
struct Node {
    std::string name;
    std::string prefix;      ///< "m:", "c:" (of the common schema) or none
    std::string attributes;  ///< as written, with a leading space
    std::string text;        ///< as written
    std::vector<Node> children;
    const soap::Field* field = nullptr;  ///< null: the operation's element
    bool in_table = true;

    void write(std::string& out) const {
        out.append("<").append(prefix).append(name).append(attributes).append(">").append(text);
        for (const auto& child : children) child.write(out);
        out.append("</").append(prefix).append(name).append(">");
    }
    void collect(std::vector<Node*>& all) {
        all.push_back(this);
        for (auto& child : children) child.collect(all);
    }
    [[nodiscard]] bool simple() const { return field != nullptr && field->type->kind != soap::Kind::complex; }
};

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine_);
    }
    bool chance(std::size_t in) { return below(in) == 0; }
    template <class Range>
    auto& one_of(Range& range) {
        return range[below(std::size(range))];
    }

  private:
    std::mt19937_64 engine_;
};

/// Texts of values that types hold or just do not hold. What the two may differ in is not among them, but has
/// a mutation of its own.
constexpr std::array<const char*, 41> texts{"",
                                            "0",
                                            "1",
                                            "-1",
                                            "+5",
                                            "007",
                                            "1.5",
                                            "-.5",
                                            "5.",
                                            "1e3",
                                            "1,5",
                                            "2147483647",
                                            "2147483648",
                                            "-2147483648",
                                            "9223372036854775807",
                                            "9223372036854775808",
                                            "true",
                                            "false",
                                            "TRUE",
                                            "yes",
                                            "NaN",
                                            "INF",
                                            "- 1",
                                            "1 2",
                                            " 12 ",
                                            "\n7\t",
                                            "2026-11-24T10:00:00Z",
                                            "2026-11-24T10:00:00",
                                            "2026-11-24T10:00:00.123456+02:00",
                                            "2026-02-30T10:00:00Z",
                                            "2026-11-24",
                                            "24:00:00",
                                            "2026-11-24T24:00:00Z",
                                            "2026-11-24T10:00:00+15:00",
                                            "0x10",
                                            "tel:+1555",
                                            "CallHangUp",
                                            "Busy",
                                            "a&amp;b",
                                            "&#65;",
                                            "<![CDATA[7]]>"};

std::string valid_text(const soap::Type& type, Dice& dice) {
    if (type.kind == soap::Kind::enumeration) return std::string(dice.one_of(type.literals));
    if (type.name == "boolean") return dice.chance(2) ? "true" : "0";
    if (type.name == "int" || type.name == "long") return std::to_string(dice.below(100'000));
    if (type.name == "decimal")
        return std::to_string(dice.below(1000)) + "." + std::to_string(dice.below(100));
    if (type.name == "dateTime") return "2026-11-2" + std::to_string(dice.below(10)) + "T10:00:00Z";
    return "text " + std::to_string(dice.below(100));
}

class Maker {
  public:
    Maker(const soap::Version& version, Dice& dice) : version_(version), dice_(dice) {}

    Node request(const soap::OperationTable& operation) {
        Node node;
        node.name = operation.name;
        node.prefix = "m:";
        fill(node, *operation.request);
        return node;
    }

  private:
    void fill(Node& node, const soap::Type& type) {
        const auto number = type.home == soap::Home::common ? version_.common_number : version_.number;
        for (const auto& field : type.fields) {
            if (!field.versions.contains(number)) continue;
            const auto most = std::min<std::size_t>(field.max, field.min + 2);
            const auto times = field.min + dice_.below(most - field.min + 1);
            for (std::size_t i = 0; i < times; ++i) {
                Node child;
                child.name = field.name;
                child.prefix = type.home == soap::Home::local ? "m:" : "";
                child.field = &field;
                if (child.simple())
                    child.text = valid_text(*field.type, dice_);
                else
                    fill(child, *field.type);
                node.children.push_back(std::move(child));
            }
        }
    }

    const soap::Version& version_;
    Dice& dice_;
};

/// One way to change a message. False: this message has no place for it.
struct Mutation {
    const char* name;
    std::function<bool(Node& root, Dice& dice)> apply;
    /// Why the decoder may take what the schema refuses; null: it may not.
    const char* liberal = nullptr;
    /// It makes an element that no schema knows. Call Handling alone passes over those: its original files
    /// were not found, so that its names are uncertain; everywhere else they are refused.
    bool makes_unknown = false;
};

Node* any(Node& root, Dice& dice, const std::function<bool(const Node&)>& fits) {
    std::vector<Node*> all;
    root.collect(all);
    std::erase_if(all, [&](const Node* node) { return !fits(*node); });
    return all.empty() ? nullptr : dice.one_of(all);
}
bool has_children(const Node& node) { return !node.children.empty(); }
bool has_several_children(const Node& node) { return node.children.size() > 1; }
bool is_structure(const Node& node) { return node.field != nullptr && !node.simple(); }
bool is_simple(const Node& node) { return node.simple(); }
bool is_child(const Node& node) { return node.field != nullptr; }

template <class Change>
std::function<bool(Node&, Dice&)> at(bool (*fits)(const Node&), Change change) {
    return [fits, change](Node& root, Dice& dice) {
        Node* const node = any(root, dice, fits);
        if (node == nullptr) return false;
        change(*node, dice);
        return true;
    };
}

std::vector<Mutation> mutations_of_values() {
    return {
        {"none", [](Node&, Dice&) { return true; }},
        {"an element is missing", at(has_several_children,
                                     [](Node& node, Dice& dice) {
                                         const auto index =
                                             static_cast<std::ptrdiff_t>(dice.below(node.children.size()));
                                         node.children.erase(node.children.begin() + index);
                                     })},
        {"a structure is empty", at(is_structure, [](Node& node, Dice&) { node.children.clear(); }),
         "an optional structure that is empty is absent, as optional values are"},
        {"an element is there twice",
         at(has_children,
            [](Node& node, Dice& dice) {
                const auto index = dice.below(node.children.size());
                const Node again = node.children[index];
                node.children.insert(node.children.begin() + static_cast<std::ptrdiff_t>(index), again);
            }),
         "descriptions are joined: clients send one for each line of the bill"},
        {"a value of another kind",
         at(is_simple, [](Node& node, Dice& dice) { node.text = dice.one_of(texts); }),
         "an optional element that is empty is absent: generated clients send every element, unused ones "
         "empty"},
        {"white space around a value", at(is_simple,
                                          [](Node& node, Dice&) {
                                              if (node.field->type->kind != soap::Kind::enumeration)
                                                  node.text = " \n" + node.text + "\t ";
                                          })},
        {"white space around a literal",
         at(
             [](const Node& node) {
                 return is_simple(node) && node.field->type->kind == soap::Kind::enumeration;
             },
             [](Node& node, Dice&) { node.text = " \n" + node.text + "\t "; }),
         "our enumerations restrict xsd:string, as the standard's do, whose white space counts; nobody means "
         "it"},
        {"a comment in a value", at(is_simple, [](Node& node, Dice&) { node.text += "<!-- note -->"; })},
        {"a processing instruction", at(has_children, [](Node& node, Dice&) { node.text += "<?note it?>"; })},
    };
}

std::vector<Mutation> mutations_of_structure() {
    return {
        {"text between elements", at(has_children, [](Node& node, Dice&) { node.text += "stray"; })},
        {"an unknown element",
         at(has_children,
            [](Node& node, Dice& dice) {
                Node stranger;
                stranger.name = "unknown";
                stranger.prefix = dice.chance(2) ? "m:" : "";
                node.children.push_back(std::move(stranger));
            }),
         nullptr, true},
        {"an element in a value", at(is_simple, [](Node& node, Dice&) { node.text += "<m:inner/>"; })},
        {"another name", at(is_child, [](Node& node, Dice&) { node.name += "X"; }), nullptr, true},
        {"a name in capitals", at(is_child, [](Node& node, Dice&) { node.name[0] = 'Q'; }), nullptr, true},
        {"another namespace",
         at(is_child,
            [](Node& node, Dice&) {
                node.attributes += " xmlns:z=\"urn:other\"";
                node.prefix = "z:";
            }),
         nullptr, true},
        {"an element qualified otherwise",
         at(is_child,
            [](Node& node, Dice& dice) {
                node.prefix = node.prefix.empty() ? (dice.chance(2) ? "m:" : "c:") : "";
            }),
         "scripts qualify all children or none; names are unique within a message"},
        {"elements in another order",
         at(has_children,
            [](Node& node, Dice& dice) {
                std::swap(dice.one_of(node.children), dice.one_of(node.children));
            }),
         "hand-written clients do not keep the order; names say what is meant"},
        {"an attribute", at(is_child, [](Node& node, Dice&) { node.attributes += " note=\"1\""; }),
         "attributes mean nothing in Parlay X; toolkits add theirs"},
        {"xsi:type", at(is_child, [](Node& node, Dice&) { node.attributes += " xsi:type=\"xsd:string\""; }),
         "toolkits of RPC style name types as they understand them"},
        {"xsi:nil",
         at(is_child,
            [](Node& node, Dice&) {
                node.attributes += " xsi:nil=\"true\"";
                node.text.clear();
                node.children.clear();
            }),
         "nil is absent: generated clients write absent elements so"},
    };
}

std::vector<Mutation> mutations() {
    auto all = mutations_of_values();
    for (auto& each : mutations_of_structure()) all.push_back(std::move(each));
    return all;
}

struct Tally {
    int messages = 0;
    int both_take = 0;
    int both_refuse = 0;
    int liberal = 0;
    int passed_over = 0;  ///< of these, where names are uncertain
    int wrong = 0;        ///< only the first is shown
};

/// All operations that are served, with a validator for each version.
struct Served {
    soap::Endpoint endpoint;
    std::vector<const soap::OperationTable*> operations;
    std::unique_ptr<test::SchemaValidator> validator;

    [[nodiscard]] bool names_are_uncertain() const {
        return std::ranges::all_of(
            operations, [](auto* each) { return each->request->unknown != soap::UnknownChildren::refused; });
    }
};

class SchemaTest : public testing::Test {
  protected:
    SchemaTest() {
        for (const auto* interface : catalogue_.interfaces()) {
            for (const auto& version : interface->versions) add({interface, &version});
        }
    }

    void add(const soap::Endpoint& endpoint) {
        Served one{endpoint, {}, nullptr};
        for (const auto& operation : endpoint.interface->operations) {
            const bool there = operation.versions.contains(endpoint.version->number);
            if (there && operation.role == soap::Role::served) one.operations.push_back(&operation);
        }
        if (one.operations.empty()) return;
        std::vector<std::string> schemas;
        for (const auto* query : {"xsd=common", "xsd=types", "xsd=local"}) {
            if (auto text = soap::published_document(endpoint, query, "http://test/"))
                schemas.push_back(std::move(*text));
        }
        one.validator = std::make_unique<test::SchemaValidator>(schemas);
        served_.push_back(std::move(one));
    }

    soap::XmlRuntime runtime_;
    soap::Catalogue catalogue_{app::published_interfaces()};
    soap::Decoder decoder_{runtime_, catalogue_};
    std::vector<Served> served_;
};

/// The element as a document of its own.
std::string document_of(Node root, const soap::Version& version) {
    root.attributes += " xmlns:m=\"" + std::string(version.local) + "\" xmlns:c=\"" +
                       std::string(version.common) +
                       "\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
                       " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    std::string out;
    root.write(out);
    return out;
}

std::uint64_t seed() {
    const char* const given = std::getenv("LEDGERLINE_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

TEST_F(SchemaTest, decoder_and_validator_agree) {
    const auto number = seed();
    std::cout << "LEDGERLINE_SEED=" << number << '\n';
    Dice dice(number);
    const auto ways = mutations();
    std::map<std::string, Tally> tallies;
    for (int i = 0; i < messages; ++i) {
        // The way first, then a message that it fits: a way for what few messages have is tried as often as
        // any other.
        const auto& way = dice.one_of(ways);
        auto* target = &dice.one_of(served_);
        Node root = Maker(*target->endpoint.version, dice).request(*dice.one_of(target->operations));
        int others = 0;
        while (!way.apply(root, dice) && ++others < messages) {
            target = &dice.one_of(served_);
            root = Maker(*target->endpoint.version, dice).request(*dice.one_of(target->operations));
        }
        ASSERT_LT(others, messages) << "no message has a place for: " << way.name;
        const auto& version = *target->endpoint.version;
        const auto document = document_of(std::move(root), version);
        const auto complaint = target->validator->check(document);
        const auto decoded =
            decoder_.decode("<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>" +
                            document + "</e:Body></e:Envelope>");
        const auto* failure = std::get_if<soap::Failure>(&decoded);
        auto& tally = tallies[way.name];
        ++tally.messages;
        if (!complaint && !failure) ++tally.both_take;
        if (complaint && failure) ++tally.both_refuse;
        if (complaint && !failure) ++tally.liberal;
        const bool agree = complaint.has_value() == (failure != nullptr);
        const bool passed_over = complaint && !failure && way.makes_unknown && target->names_are_uncertain();
        if (passed_over) ++tally.passed_over;
        if (agree || passed_over || (complaint && way.liberal != nullptr) || tally.wrong++ > 0) continue;
        ADD_FAILURE() << way.name << "\n"
                      << document << "\nschema:  " << complaint.value_or("valid")
                      << "\ndecoder: " << (failure ? failure->fault.faultstring() : "taken");
    }
    for (const auto& way : ways) {
        const auto& tally = tallies[way.name];
        EXPECT_GT(tally.messages, messages / 100) << way.name;
        // A reason that no message needs is none.
        EXPECT_TRUE(way.liberal == nullptr || tally.liberal > 0) << way.name;
        EXPECT_TRUE(!way.makes_unknown || tally.passed_over > 0) << way.name;
    }
}

}  // namespace
