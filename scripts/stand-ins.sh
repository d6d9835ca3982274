# shellcheck shell=bash
# Sourced by try-containers.sh, after containers.sh: stand-ins for the images that the Dockerfile and docker-compose.yml name, built from
# Debian packages and this machine's .NET, for machines without an image registry. They have the originals' names and users.
# shellcheck disable=SC2154

# debian_image SUITE: a minimal Debian as localhost/debian:SUITE.
debian_image() {
  local suite=$1 tree script=/usr/share/debootstrap/scripts/$1
  if podman image exists "localhost/debian:$suite"; then return; fi
  say "making localhost/debian:$suite"
  tree=$(mktemp -d)
  # An old debootstrap does not know the names of new suites, but all suites are built in the same way.
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  if ! debootstrap --variant=minbase "$suite" "$tree" http://deb.debian.org/debian "$script" >"$engine/debootstrap.log" 2>&1; then
    rm -rf "$tree"
    say "debootstrap $suite failed, see $engine/debootstrap.log"
    return 1
  fi
  cp -a /etc/apt/apt.conf.d/. "$tree/etc/apt/apt.conf.d/"
  tar -C "$tree" -c . | podman import - "localhost/debian:$suite" >/dev/null
  rm -rf "$tree"
}

# stand_in NAME…: builds the Dockerfile on stdin under these names, with the machine's network. /machine has its .NET and certificates.
stand_in() {
  local tags=() name
  if podman image exists "$1"; then return; fi
  say "making a stand-in for $1"
  for name in "$@"; do tags+=(--tag "$name"); done
  podman build --network=host --isolation=chroot --volume "$(dotnet_root):/machine/dotnet:ro" --volume /etc/ssl/certs:/machine/certs:ro \
    "${tags[@]}" --file - "$(mktemp -d)" >"$engine/stand-in.log" 2>&1 || { tail -5 "$engine/stand-in.log" >&2; return 1; }
}

dotnet_root() { dirname "$(readlink -f "$(command -v dotnet)")"; }

base_images() {
  local suite libraries
  suite=$(debian_release)
  debian_image "$suite"
  libraries="apt-get update -q && apt-get install -y -q --no-install-recommends '^libicu[0-9]+\$' openssl ca-certificates"
  stand_in mcr.microsoft.com/dotnet/sdk:10.0 <<END
FROM localhost/debian:$suite
RUN $libraries && cp -a /machine/dotnet /usr/share/dotnet && ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet && \
    cp /machine/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 NUGET_CERT_REVOCATION_MODE=offline SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
END
  stand_in mcr.microsoft.com/dotnet/aspnet:10.0 <<END
FROM localhost/debian:$suite
RUN $libraries tzdata && mkdir -p /usr/share/dotnet/shared && cd /machine/dotnet && cp -a dotnet host /usr/share/dotnet/ && \
    cp -a shared/Microsoft.NETCore.App shared/Microsoft.AspNetCore.App /usr/share/dotnet/shared/ && \
    ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet && useradd --uid 1654 --create-home app && rm -rf /var/lib/apt/lists/*
ENV APP_UID=1654 DOTNET_RUNNING_IN_CONTAINER=true
END
  stand_in docker.io/library/postgres:17 localhost/postgres:17 <<END
FROM localhost/debian:$suite
RUN apt-get update -q && apt-get install -y -q --no-install-recommends postgresql && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && \
    echo $(postgres_entrypoint | base64 -w0) | base64 -d >/entrypoint.sh && chmod 755 /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
VOLUME /var/lib/postgresql/data
EXPOSE 5432
END
  stand_in docker.io/library/haproxy:2.6 localhost/haproxy:2.6 <<END
FROM localhost/debian:$suite
RUN apt-get update -q && apt-get install -y -q --no-install-recommends haproxy
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
END
}

postgres_entrypoint() {
  cat <<'END'
#!/bin/sh
# POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB where there is no cluster yet, then the server.
set -eu
data=/var/lib/postgresql/data
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
mkdir -p $data /var/run/postgresql
chown postgres:postgres $data /var/run/postgresql
if [ ! -e $data/PG_VERSION ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  chmod 644 /tmp/password
  as initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C --no-sync
  rm /tmp/password
  echo "host all all all scram-sha-256" >>$data/pg_hba.conf
  echo "create database \"$POSTGRES_DB\"" | as postgres --single -D $data postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D $data -c listen_addresses='*'
END
}
