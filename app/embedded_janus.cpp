// Configures, starts, starts again and stops Janus. It keeps nothing, so SIGKILL does it no harm.
#include "app/embedded_janus.hpp"

#include "app/process.hpp"
#include "telephony/media/tones.hpp"

#include <signal.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace app {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono_literals;

constexpr auto program = "/usr/bin/janus";
/// A start can fail several times in a row: Janus 1.1.2 loses its API where the thread that serves it runs
/// before the one that started it has said that it may, which on busy machines is every third time. Mostly it
/// ends then.
constexpr EmbeddedJanus::Clock::duration pause_min = 100ms;
constexpr EmbeddedJanus::Clock::duration pause_max = 5s;
/// Who ran so long did not end because of how it was started.
constexpr EmbeddedJanus::Clock::duration healthy = 60s;
constexpr EmbeddedJanus::Clock::duration starting = 5s;
/// Janus before 1.2.2 never lets go of the thread that a room had. Each keeps its stack, 20 kB and two
/// mappings, and after 65530 of these (vm.max_map_count) there are no more rooms.
constexpr std::size_t rooms_many = 10'000;
constexpr std::size_t rooms_most = 20'000;

void write_file(const fs::path& path, const std::string& text) {
    std::ofstream out(path, std::ios::trunc);
    out << text;
    if (!out.flush()) throw PlainError("can't write " + path.string());
}

}  // namespace

EmbeddedJanus::EmbeddedJanus(const DataDir& data_dir, Options options, base::Logger log)
    : data_dir_(data_dir), options_(std::move(options)), log_(std::move(log)) {}

EmbeddedJanus::~EmbeddedJanus() { stop(); }

void EmbeddedJanus::start() {
    next_start_.reset();
    try {
        if (::access(program, X_OK) != 0)
            throw PlainError(std::string(program) + " is not there: install janus, or set [media] bridge");
        if (socket().string().size() >= sizeof(sockaddr_un::sun_path))
            throw PlainError("the path of the data directory is too long for a socket in it");
        write_configuration();
        std::error_code ignored;
        fs::remove(socket(), ignored);
        ChildOptions child;
        child.arguments = {program, "-C", "janus.jcfg", "-F", "."};
        child.user = OsUser::current();
        child.working_dir = data_dir_.janus();
        child.death_signal = SIGKILL;
        const LogFile output(data_dir_.janus_log());
        child.output = output.descriptor();
        pid_ = start_child(child);
        started_ = Clock::now();
        rooms_before_ = rooms_;
    } catch (const PlainError& error) {
        log_.error("nobody mixes three and more parties", {{"error", error.what()}});
    }
}

/// Its paths are relative, to the folder that it runs in: a path's own characters mean nothing then.
void EmbeddedJanus::write_configuration() const {
    const auto folder = data_dir_.janus();
    std::error_code error;
    fs::create_directory(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) throw PlainError("can't make the folder " + folder.string() + ": " + error.message());
    write_file(folder / "janus.jcfg",
               "# Rewritten at every start.\n"
               "general: { debug_level = 3, debug_colors = false, debug_timestamps = true }\n"
               "plugins: { disable = \"libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,"
               "libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,"
               "libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so\" }\n"
               "transports: { disable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,"
               "libjanus_rabbitmq.so,libjanus_websockets.so\" }\n"
               "loggers: { disable = \"libjanus_jsonlog.so\" }\n");
    write_file(folder / "janus.transport.pfunix.jcfg",
               "# Rewritten at every start.\n"
               "general: { enabled = true, json = \"compact\", path = \"api\", type = \"SOCK_SEQPACKET\" }\n"
               "admin: { admin_enabled = false }\n");
    auto bridge = "general: { rtp_port_range = \"" + options_.rtp_ports + "\"";
    if (!options_.address.empty()) bridge += ", local_ip = \"" + options_.address + "\"";
    write_file(folder / "janus.plugin.audiobridge.jcfg", "# Rewritten at every start.\n" + bridge + " }\n");
    write_file(ringing(), std::string(media::ringing_tone()));
    write_file(funds_end(), std::string(media::funds_end_tone()));
}

void EmbeddedJanus::look_after(const Seen& seen) {
    rooms_ = seen.rooms;
    if (pid_ == 0) return;
    const auto made = rooms_ - rooms_before_;
    if (seen.hangs && Clock::now() - started_ >= starting)
        log_.error("the bridge hangs; killing it");
    else if (made >= (seen.mixed == 0 ? rooms_many : rooms_most))
        log_.info("the bridge has made many rooms; replacing it", {{"rooms", made}});
    else
        return;
    ::kill(pid_, SIGKILL);
}

void EmbeddedJanus::ended(const std::string& status) {
    pid_ = 0;
    const auto now = Clock::now();
    pause_ = now - started_ > healthy ? pause_min : std::clamp(pause_ * 3 / 2, pause_min, pause_max);
    next_start_ = now + pause_;
    log_.warning("the bridge ended; starting it again", {{"status", status}});
}

void EmbeddedJanus::stop() {
    next_start_.reset();
    if (pid_ == 0) return;
    int status = 0;
    ::kill(pid_, SIGTERM);
    if (!wait_for_child(pid_, 2s, status)) {
        ::kill(pid_, SIGKILL);
        wait_for_child(pid_, 2s, status);
    }
    pid_ = 0;
}

}  // namespace app
