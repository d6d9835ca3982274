# shellcheck shell=bash
# Sourced by test.sh --containers, which has set $root and sourced install.sh: a container engine with a PostgreSQL image, without
# Docker and without an image registry. All of its files are in one directory below artifacts.
# shellcheck disable=SC2154

engine=$root/artifacts/containers
image=localhost/postgres:debian # behaves like the official image, as far as the tests use it

# configure_engine [PACKAGE…]: gives the engine configuration and storage of its own, and installs podman and the given packages.
configure_engine() {
  need_container_tools "$@"
  mkdir -p "$engine/networks"
  cat >"$engine/containers.conf" <<END
[containers]
# Some machines do not permit raising limits.
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
# crun does not work with hybrid cgroups.
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "$engine/networks"
END
  cat >"$engine/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$engine/storage"
runroot = "$engine/run"
END
  export CONTAINERS_CONF=$engine/containers.conf CONTAINERS_STORAGE_CONF=$engine/storage.conf
}

# Starts the engine's Docker API and makes the tests use it; stop_containers undoes this.
start_containers() {
  configure_engine
  podman image exists "$image" || make_image
  podman system service --time=0 "unix://$engine/engine.sock" >"$engine/service.log" 2>&1 &
  engine_pid=$!
  local attempt
  for attempt in $(seq 100); do
    if curl -s --unix-socket "$engine/engine.sock" http://localhost/_ping >/dev/null; then break; fi
    if [ "$attempt" = 100 ]; then
      say "the container engine does not start, see $engine/service.log"
      return 1
    fi
    sleep 0.1
  done
  # The reaper of Testcontainers is an image that cannot be pulled here; stop_containers does its work.
  export DOCKER_HOST=unix://$engine/engine.sock TESTCONTAINERS_RYUK_DISABLED=true
  export TESTED_POSTGRES_IMAGE=$image TESTED_POSTGRES_CONTAINER=required
}

stop_containers() {
  podman rm --all --force --time 0 >/dev/null || true
  if [ -n "${engine_pid:-}" ]; then
    kill "$engine_pid" 2>/dev/null || true
    wait "$engine_pid" 2>/dev/null || true
  fi
  rm -f "$engine/engine.sock"
}

need_container_tools() {
  local missing=() package
  for package in podman runc debootstrap "$@"; do
    [ -x "/usr/bin/$package" ] || [ -x "/usr/sbin/$package" ] || [ -x "/usr/lib/podman/$package" ] || missing+=("$package")
  done
  [ -x /usr/lib/podman/netavark ] || missing+=(netavark)
  command -v iptables >/dev/null || [ -x /usr/sbin/iptables ] || missing+=(iptables)
  if [ "$(id -u)" != 0 ]; then
    say "--containers makes an image and needs root for that"
    exit 1
  fi
  if [ ${#missing[@]} -gt 0 ] && ! install_packages "${missing[@]}"; then
    say "missing and not installable here: ${missing[*]}"
    exit 1
  fi
}

# Debian with its PostgreSQL, and an entry point that does as much of the official image's as tests need.
make_image() {
  say "making $image out of Debian packages"
  local tree
  tree=$(mktemp -d)
  if ! debootstrap --variant=minbase --include=postgresql "$(debian_release)" "$tree" >"$engine/debootstrap.log" 2>&1; then
    rm -rf "$tree"
    say "debootstrap failed, see $engine/debootstrap.log"
    return 1
  fi
  cat >"$tree/entrypoint.sh" <<'EOF'
#!/bin/sh
# POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and POSTGRES_HOST_AUTH_METHOD, then the arguments of the server.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
user=${POSTGRES_USER:-postgres}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
if [ "${1:-}" = postgres ]; then shift; fi
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
mkdir -p $data /var/run/postgresql
chown postgres:postgres $data /var/run/postgresql
echo "$POSTGRES_PASSWORD" >/tmp/password
chmod 644 /tmp/password
as "$bin/initdb" -D $data -U "$user" --pwfile=/tmp/password --auth-local=trust --auth-host="$method" -E UTF8 --locale=C --no-sync
rm /tmp/password
echo "host all all all $method" >>$data/pg_hba.conf
database=${POSTGRES_DB:-$user}
if [ "$database" != postgres ]; then
  echo "create database \"$database\"" | as "$bin/postgres" --single -D $data postgres >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D $data -c listen_addresses='*' "$@"
EOF
  chmod 755 "$tree/entrypoint.sh"
  # Testcontainers waits by running pg_isready from the path.
  ln -sf "$(cd "$tree" && echo usr/lib/postgresql/*/bin/pg_isready | sed 's|^|/|')" "$tree/usr/local/bin/pg_isready"
  tar -C "$tree" -c . | podman import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'EXPOSE 5432' - "$image" >/dev/null
  rm -rf "$tree"
}

debian_release() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }
