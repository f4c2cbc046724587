# ledgerline on an external PostgreSQL; see docker-compose.yml.

FROM debian:12 AS build
WORKDIR /src
COPY scripts/packages.sh scripts/
RUN bash -c 'set -euo pipefail; source scripts/packages.sh; install_packages "${build_packages[@]}"'
COPY . .
RUN cmake --preset release && cmake --build --preset release --parallel "$(nproc)"

FROM debian:12-slim
# The libraries that the program is linked with, curl for the health check, psql for `ledgerline psql`, janus for
# [media] bridge = "own".
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        curl janus libboost-json1.81.0 libboost-url1.81.0 libicu72 libjemalloc2 libpqxx-6.4 libsodium23 libsofia-sip-ua0 \
        libssl3 libtomlplusplus3 libxerces-c3.2 postgresql-client-15 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 999 ledgerline \
    && install -d -o ledgerline -g ledgerline /var/lib/ledgerline
COPY --from=build /src/build/release/ledgerline /usr/bin/ledgerline
COPY --from=build /src/etc/ledgerline.toml /etc/ledgerline/ledgerline.toml
USER ledgerline
WORKDIR /var/lib/ledgerline
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["curl", "-fsS", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["ledgerline"]
CMD ["serve", "--config", "/etc/ledgerline/ledgerline.toml", "--data-dir", "/var/lib/ledgerline", "--listen", "0.0.0.0:8080"]
