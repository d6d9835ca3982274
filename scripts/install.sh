# shellcheck shell=bash
# Sourced by run.sh and test.sh: installs what is missing where it can, else says how.

say() { echo "${0##*/}: $*" >&2; }

need_dotnet() {
  if ! command -v dotnet >/dev/null; then
    say "the .NET 10 SDK is missing: get it from https://dotnet.microsoft.com/download or your package manager (dotnet-sdk-10.0)"
    exit 1
  fi
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
}

need_postgres() {
  if [ -n "${PGETCD_POSTGRES_BIN:-}" ] || command -v postgres >/dev/null || has_postgres_elsewhere; then return; fi
  # Debian's package would make and start a cluster of its own on port 5432, which nobody asked for.
  if can_install && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  install_packages postgresql || {
    say "PostgreSQL's server programs are missing: install them (Debian: apt-get install postgresql) or give --database"
    exit 1
  }
}

has_postgres_elsewhere() {
  local program
  for program in /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres /usr/local/pgsql/bin/postgres; do
    if [ -x "$program" ]; then return 0; fi
  done
  return 1
}

can_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Package names; fails if they cannot be installed here. Waits for whoever else is installing, and lets no package start
# its service: an etcd on port 2379 would be in the way.
install_packages() {
  can_install || return 1
  say "installing $*"
  local options=(-o DPkg::Lock::Timeout=300 -y -q --no-install-recommends) policy=/usr/sbin/policy-rc.d made="" done=0
  if [ ! -e $policy ]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod +x $policy
  fi
  if ! apt_get install "${options[@]}" "$@" >/dev/null 2>&1; then
    apt_get update -q >/dev/null 2>&1 || true
    apt_get install "${options[@]}" "$@" >&2 || done=$?
  fi
  if [ -n "$made" ]; then as_root rm -f $policy; fi
  return $done
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }
