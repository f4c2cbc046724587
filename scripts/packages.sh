# The Debian 12 packages that ledgerline needs, by purpose; sourced by run and test.

build_packages=(
    ccache
    cmake
    g++
    libboost-json1.81-dev
    libboost-url1.81-dev
    libboost1.81-dev
    libcli11-dev
    libicu-dev
    libjemalloc-dev
    libpqxx-dev
    libsodium-dev
    libsofia-sip-ua-dev
    libssl-dev
    libtomlplusplus-dev
    libxerces-c-dev
    ninja-build
    pkg-config
    zlib1g-dev
)
run_packages=(janus postgresql-15)
bench_packages=(libbenchmark-dev sip-tester wrk)
test_packages=(
    baresip-core
    clang-16
    curl
    gsoap
    hledger
    kamailio
    kamailio-tls-modules
    kamailio-websocket-modules
    libaxis-java
    libclang-rt-16-dev
    libgoogle-gson-java
    libgsoap-dev
    libgtest-dev
    libsoap-lite-perl
    openjdk-17-jdk-headless
    openssl
    php-cli
    php-soap
    python3-websocket
    python3-zeep
    sip-tester
    valgrind
)
command -v npm >/dev/null || test_packages+=(nodejs npm)  # other builds of nodejs bring their own npm

# Installs those of its arguments that are missing; without the right to, says what to run.
install_packages() {
    local missing=() package
    for package in "$@"; do
        [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return 0

    local as_root=()
    if ((EUID != 0)); then
        as_root=(sudo -n)
        if ! sudo -n true 2>/dev/null; then
            echo "These Debian packages are missing, and installing them needs root. Please run:" >&2
            echo "    sudo apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
    fi
    echo "Installing ${missing[*]}"
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
    # The package starts a Janus of its own, open to the network; ledgerline's is a child of the server.
    if [[ " ${missing[*]} " == *" janus "* && -d /run/systemd/system ]]; then
        "${as_root[@]}" systemctl disable --now janus || echo "A Janus that nobody needs may run now." >&2
    fi
}
