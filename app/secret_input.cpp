// Reads secrets from terminals and files.
#include "app/secret_input.hpp"

#include "app/data_dir.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>

namespace app {

namespace {

/// The terminal's settings while its echo is off; a signal's handler has no other way to them.
termios echoing{};

void echo_and_end(int signal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &echoing);
    static_cast<void>(::raise(signal));  // the handler was for once: this ends the program when it returns
}

/// Switches the terminal's echo off for its lifetime, and on again too when a signal ends the program
/// meanwhile.
class HiddenTyping {
  public:
    explicit HiddenTyping(const std::string& otherwise) {
        if (::tcgetattr(STDIN_FILENO, &echoing) != 0) throw PlainError(otherwise);
        struct sigaction action {};
        action.sa_handler = echo_and_end;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
        auto hidden = echoing;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    ~HiddenTyping() {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &echoing);
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    }
    HiddenTyping(const HiddenTyping&) = delete;
    HiddenTyping& operator=(const HiddenTyping&) = delete;

  private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP};
    std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace

std::string ask_secret(const std::string& prompt, const std::string& otherwise) {
    std::string secret;
    {
        // Before the prompt: what somebody quick types at once is neither shown nor thrown away.
        const HiddenTyping hidden(otherwise);
        std::cerr << prompt << std::flush;
        std::getline(std::cin, secret);
    }
    std::cerr << '\n';
    return secret;
}

std::string secret_in(const std::string& path, const std::string& what) {
    std::ifstream file(path);
    std::string secret;
    if (!std::getline(file, secret) && secret.empty()) {
        throw PlainError("can't read " + what + " from " + path + ": " +
                         (file.is_open() ? "it is empty" : std::strerror(errno)));
    }
    if (secret.ends_with('\r')) secret.pop_back();
    return secret;
}

}  // namespace app
