// Reads secrets from terminals and files.
#include "app/secret_input.hpp"

#include "app/data_dir.hpp"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace app {

std::string ask_secret(const std::string& prompt, const std::string& otherwise) {
    termios shown{};
    if (::tcgetattr(STDIN_FILENO, &shown) != 0) throw PlainError(otherwise);
    auto hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    std::cerr << prompt << std::flush;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::string secret;
    std::getline(std::cin, secret);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
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
