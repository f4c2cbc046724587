// The decoder and its pool of parsers.
#include "frontend/soap/envelope.hpp"
#include "frontend/soap/envelope_reader.hpp"
#include "frontend/soap/plain_reader.hpp"
#include "frontend/soap/reply_reader.hpp"
#include "frontend/soap/xml_reader.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace soap {
namespace {

/// Everything that one message at a time needs, kept for the next one.
struct Worker {
    explicit Worker(const Limits& limits) : request(limits), reply(limits) {}
    PlainReader plain;
    XmlReader xml;
    RequestReader request;
    ReplyReader reply;

    /// Has a document read by what `reset` prepares.
    template <class Reset>
    void read(std::string_view bytes, const Limits& limits, EnvelopeReader& reader, Reset reset) {
        reset();
        const Document document(bytes, limits);
        if (document.complaint().empty()) return parse(document, reader, reset);
        // What it says does not count, but its header says who is to be told.
        try {
            parse(document, reader, reset);
        } catch (const XmlError&) {
        } catch (const Refusal&) {
        }
        throw XmlError(document.complaint());
    }

  private:
    /// A second time when it is not plain.
    template <class Reset>
    void parse(const Document& document, EnvelopeReader& reader, Reset reset) {
        if (!plain.parse(document, reader)) {
            reset();
            xml.parse(document, reader);
        }
        reader.check_complete();
    }
};

constexpr std::size_t excerpt_bytes_max = 200;

/// The beginning of a body, or of what names something in it, for a log: printable ASCII only.
std::string excerpt(std::string_view bytes) {
    std::string out;
    for (const char c : bytes.substr(0, excerpt_bytes_max)) out += c >= ' ' && c < 0x7F ? c : '.';
    return out;
}

}  // namespace

class Decoder::Pool {
  public:
    explicit Pool(const Limits& limits) : limits_(&limits) {}

    /// A worker for as long as this lives.
    class Lease {
      public:
        explicit Lease(Pool& pool) : pool_(pool), worker_(pool.take()) {}
        ~Lease() { pool_.give_back(std::move(worker_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Worker* operator->() const { return worker_.get(); }

      private:
        Pool& pool_;
        std::unique_ptr<Worker> worker_;
    };

  private:
    std::unique_ptr<Worker> take() {
        {
            const std::scoped_lock lock(mutex_);
            if (!free_.empty()) {
                auto worker = std::move(free_.back());
                free_.pop_back();
                return worker;
            }
            free_.reserve(++workers_);  // so that giving back never allocates
        }
        return std::make_unique<Worker>(*limits_);
    }

    void give_back(std::unique_ptr<Worker> worker) noexcept {
        const std::scoped_lock lock(mutex_);
        if (worker->xml.worn_out())
            --workers_;
        else
            free_.push_back(std::move(worker));
    }

    const Limits* limits_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> free_;
    std::size_t workers_ = 0;
};

Decoder::Decoder(const XmlRuntime&, const Catalogue& catalogue, Limits limits)
    : catalogue_(&catalogue), limits_(limits), pool_(std::make_unique<Pool>(limits_)) {}

Decoder::~Decoder() = default;

Decoded Decoder::decode(std::string_view bytes, std::optional<Endpoint> only, UnknownElements unknown) const {
    const Pool::Lease worker(*pool_);
    RequestReader& reader = worker->request;
    try {
        worker->read(bytes, limits_, reader, [&] { reader.reset(*catalogue_, only, unknown); });
        return reader.take_request();
    } catch (const XmlError& error) {
        return reader.take_failure(Fault::client(std::string("the message cannot be read: ") + error.what()));
    } catch (Refusal& refusal) {
        return reader.take_failure(std::move(refusal.fault));
    }
}

Reply Decoder::decode_reply(std::string_view bytes, const Endpoint& endpoint,
                            const OperationTable& operation) const {
    const Pool::Lease worker(*pool_);
    ReplyReader& reader = worker->reply;
    try {
        worker->read(bytes, limits_, reader, [&] { reader.reset(endpoint, operation); });
        return reader.take_reply();
    } catch (const XmlError& error) {
        return Unintelligible{excerpt(error.what()) + ": " + excerpt(bytes)};
    } catch (const Refusal& refusal) {
        return Unintelligible{excerpt(refusal.fault.faultstring()) + ": " + excerpt(bytes),
                              reader.has_body()};
    }
}

}  // namespace soap
