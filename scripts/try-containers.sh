# shellcheck shell=bash
# Sourced by test.sh, which has set $root and sourced install.sh and containers.sh: builds the image, runs docker-compose.yml, and tries
# ./run.sh and ./test.sh on bare machines. Results are added to $passed and $failed.
# shellcheck disable=SC2154

# shellcheck source=scripts/stand-ins.sh
. "$root/scripts/stand-ins.sh"

suites=${PGETCD_BARE_SUITES:-stable testing}
composition=pgetcd-try
bare=pgetcd-bare
said=$engine/said.log

# attempt NAME COMMAND…: runs and counts one check, and shows its output if it fails.
attempt() {
  local what=$1 started=$SECONDS
  shift
  if "$@" >"$said" 2>&1; then
    passed=$((passed + 1))
    echo "  passed: $what ($((SECONDS - started)) s)"
  else
    failed=$((failed + 1))
    echo "  FAILED: $what"
    tail -30 "$said" | sed 's/^/    /'
  fi
}

# soon COMMAND…: repeats the command until it succeeds, for at most two minutes.
soon() {
  local deadline=$((SECONDS + 120))
  until "$@"; do
    if [ $SECONDS -ge $deadline ]; then return 1; fi
    sleep 0.5
  done
}

try_containers() {
  configure_engine podman-compose aardvark-dns
  trap 'down >/dev/null 2>&1 || true; podman rm --force --time 0 "$bare" >/dev/null 2>&1 || true' EXIT
  base_images
  try_image
  if podman image exists localhost/pgetcd; then try_composition; fi
  local suite user
  for suite in $suites; do
    debian_image "$suite"
    for user in root tester; do try_bare "$suite" "$user"; done
    attempt "$suite without the SDK or a way to install it gets a clear message" without_sdk "$suite"
  done
}

try_image() {
  echo "== the image"
  attempt "the Dockerfile builds" image_builds
  attempt "it prints its version" says_version
  attempt "it runs as a user that is not root, and its files cannot be written" is_confined
  attempt "it adds less than 150 MB to its base" is_small
}

image_builds() {
  local cache=()
  podman image rm --force localhost/pgetcd >/dev/null 2>&1 || true
  [ ! -d "$HOME/.nuget/packages" ] || cache=(--volume "$HOME/.nuget/packages:/root/.nuget/packages:O")
  podman build --network=host --isolation=chroot "${cache[@]}" --tag localhost/pgetcd "$root"
}

says_version() { podman run --pull=never --rm --read-only localhost/pgetcd --version | grep -E '[0-9]+\.[0-9]+\.[0-9]+'; }

is_confined() {
  [ "$(podman run --pull=never --rm --read-only --entrypoint /usr/bin/id localhost/pgetcd -u)" = 1654 ] &&
    ! podman run --pull=never --rm --entrypoint /usr/bin/touch localhost/pgetcd /opt/pgetcd/x
}

is_small() {
  local ours base
  ours=$(podman image inspect --format '{{.Size}}' localhost/pgetcd)
  base=$(podman image inspect --format '{{.Size}}' mcr.microsoft.com/dotnet/aspnet:10.0)
  echo "$(((ours - base) / 1000000)) MB above the base's $((base / 1000000)) MB"
  [ $((ours - base)) -lt 150000000 ]
}

try_composition() {
  echo "== docker-compose.yml"
  CLIENT_PORT=$(free_port)
  export CLIENT_PORT ADVERTISE_CLIENT_URL=http://localhost:$CLIENT_PORT ETCDCTL_API=3
  down >/dev/null 2>&1 || true
  attempt "it comes up and answers through the balancer" is_up
  attempt "the frontends run with a read-only root and no rights" is_read_only
  attempt "a frontend is killed and clients go on" survives kill_frontend
  attempt "PostgreSQL is killed, comes back, and has everything" survives kill_postgres
  attempt "a frontend that died is up again" soon is_healthy frontend2
  attempt "it goes down and leaves nothing" leaves_nothing
}

compose() { podman-compose -p $composition -f "$root/docker-compose.yml" "$@"; }
down() { compose down -v; }
etcdctl_here() { etcdctl --endpoints "localhost:$CLIENT_PORT" --command-timeout 10s "$@"; }
container() {
  podman ps --all --quiet \
    --filter "label=com.docker.compose.project=$composition" --filter "label=com.docker.compose.service=$1"
}

is_up() {
  podman tag localhost/pgetcd docker.io/library/pgetcd
  compose up -d --no-build || return 1
  soon etcdctl_here put greeting hello && [ "$(etcdctl_here get greeting --print-value-only)" = hello ]
}

is_read_only() {
  local one
  one=$(container frontend1)
  [ "$(podman inspect --format '{{.HostConfig.ReadonlyRootfs}}' "$one")" = true ] && ! podman exec "$one" touch /opt/pgetcd/x &&
    podman exec "$one" grep -E '^CapEff:.*0000000000000000' /proc/1/status
}

# survives COMMAND: data written before is still there afterwards, and writes succeed again.
survives() {
  etcdctl_here put before "$1" && "$1" && soon etcdctl_here put after "$1" &&
    [ "$(etcdctl_here get before --print-value-only)" = "$1" ] && [ "$(etcdctl_here get greeting --print-value-only)" = hello ]
}

kill_frontend() { podman kill "$(container frontend2)"; }

# Docker restarts both by itself; podman treats a kill as a stop.
kill_postgres() {
  podman kill "$(container postgres)" && podman start "$(container postgres)" && podman start "$(container frontend2)"
}

is_healthy() { podman exec "$(container "$1")" /opt/pgetcd/healthcheck.sh 127.0.0.1 2379; }

leaves_nothing() {
  down && [ -z "$(podman ps --all --quiet --filter "label=com.docker.compose.project=$composition")" ] &&
    [ -z "$(podman volume ls --quiet --filter "name=$composition")" ]
}

# A Debian with nothing but the SDK, for root and for a user with sudo.
try_bare() {
  local suite=$1 user=$2 port
  echo "== Debian $suite, as $user"
  port=$(free_port)
  start_bare "$suite" "$user" yes
  attempt "./run.sh builds and serves" serves "$user" "$port"
  attempt "./run.sh starts again" serves "$user" "$port"
  attempt "./test.sh runs a project" tests_here "$user"
  podman rm --force --time 0 $bare >/dev/null
}

# start_bare SUITE USER SDK: starts a container with the sources of this checkout in /pgetcd.
start_bare() {
  local suite=$1 user=$2 mounts=()
  podman rm --force --time 0 $bare >/dev/null 2>&1 || true
  if [ -n "$3" ]; then
    mounts=(--volume "$(dotnet_root):/usr/share/dotnet:ro")
    [ ! -d "$HOME/.nuget/packages" ] || mounts+=(--volume "$HOME/.nuget/packages:/nuget:O" --env NUGET_PACKAGES=/nuget)
  fi
  podman run --pull=never --detach --network=host --name $bare "${mounts[@]}" --env NUGET_CERT_REVOCATION_MODE=offline \
    --volume /etc/ssl/certs:/machine/certs:ro --env SSL_CERT_FILE=/machine/certs/ca-certificates.crt \
    "localhost/debian:$suite" sleep infinity >/dev/null
  [ -z "$3" ] || podman exec $bare ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet
  if [ "$user" != root ]; then
    podman exec $bare sh -ec "
      apt-get update -q && apt-get install -y -q --no-install-recommends sudo
      useradd --create-home $user
      echo '$user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/$user
      [ ! -d /nuget ] || chmod -R a+rwX /nuget" >"$said" 2>&1
  fi
  # As in a fresh clone: files that are not in git stay out.
  podman exec $bare mkdir -p /pgetcd
  git -C "$root" ls-files -z | tar -C "$root" --null --files-from=- --create --file=- | podman exec --interactive $bare tar -C /pgetcd -x
  podman exec $bare chown -R "$user" /pgetcd
}

in_bare() {
  local user=$1 home=/root
  [ "$user" = root ] || home=/home/$user
  shift
  podman exec --user "$user" --env "HOME=$home" --workdir /pgetcd $bare "$@"
}

serves() {
  local user=$1 port=$2 answered=1
  in_bare "$user" ./run.sh --listen-client-urls="http://127.0.0.1:$port" --advertise-client-urls="http://127.0.0.1:$port" &
  local running=$! deadline=$((SECONDS + 600))
  while kill -0 $running 2>/dev/null && [ $SECONDS -lt $deadline ]; do
    if ETCDCTL_API=3 etcdctl --endpoints "127.0.0.1:$port" --command-timeout 2s put key value 2>/dev/null; then
      answered=0
      break
    fi
    sleep 1
  done
  # The serving process, not podman's.
  podman exec $bare sh -c "for one in /proc/[0-9]*; do
    tr '\\0' ' ' <\$one/cmdline 2>/dev/null | grep -q 'pgetcd --listen-client-urls' && kill -TERM \${one#/proc/}; done" || true
  wait $running || true
  return $answered
}

tests_here() { in_bare "$1" ./test.sh Mvcc | tee /dev/stderr | grep -E '^[1-9][0-9]* passed, 0 failed'; }

without_sdk() {
  start_bare "$1" root ""
  ! in_bare root timeout 300 ./run.sh --version 2>"$said.err" && cat "$said.err" \
    && grep "the .NET 10 SDK is missing, and neither" "$said.err"
}

free_port() {
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}
