# shellcheck shell=bash
# Sourced by run.sh and test.sh: installs missing tools where possible, otherwise tells how to.

say() { echo "${0##*/}: $*" >&2; }

# The directory where Microsoft's script installs the SDK if there is no package.
own_dotnet=${DOTNET_INSTALL_DIR:-${HOME:-/root}/.dotnet}

need_dotnet() {
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
  if ! command -v dotnet >/dev/null && [ -x "$own_dotnet/dotnet" ]; then use_own_dotnet; fi
  if ! command -v dotnet >/dev/null && ! install_dotnet; then
    say "the .NET 10 SDK is missing, and neither this system's packages nor Microsoft's script could install it:" \
      "see https://dotnet.microsoft.com/download"
    exit 1
  fi
  need_libraries
}

has_dotnet_package() { apt-cache show dotnet-sdk-10.0; }

# Uses the distribution's package (Ubuntu has one), otherwise Microsoft's script.
install_dotnet() {
  if can_install && { has_dotnet_package || { apt_get update -q && has_dotnet_package; }; } >/dev/null 2>&1; then
    install_packages dotnet-sdk-10.0
    return
  fi
  local script
  script=$(mktemp)
  say "the .NET 10 SDK is missing: installing it with Microsoft's script"
  if fetch https://dot.net/v1/dotnet-install.sh "$script" && bash "$script" --channel 10.0 --install-dir "$own_dotnet" >&2; then
    rm -f "$script"
    use_own_dotnet
    return
  fi
  rm -f "$script"
  return 1
}

use_own_dotnet() { export DOTNET_ROOT=$own_dotnet PATH=$own_dotnet:$PATH; }

fetch() {
  if command -v curl >/dev/null; then curl -fsSL --max-time 60 -o "$2" "$1"
  elif command -v wget >/dev/null; then wget -q --timeout=60 -O "$2" "$1"
  else return 1; fi
}

# Libraries that .NET loads when first needed and a bare Debian lacks: TLS, ICU, certificates.
need_libraries() {
  local missing=()
  has_library libssl || missing+=(openssl)
  has_library libicuuc || missing+=('^libicu[0-9]+$')
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || missing+=(ca-certificates)
  if [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"; then return; fi
  # Only passwords with letters outside ASCII need ICU.
  has_library libicuuc || export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
  if has_library libssl; then return; fi
  say "OpenSSL's library is missing: install it (Debian: apt-get install openssl)"
  exit 1
}

# Without ldconfig, .NET itself reports what is missing.
has_library() {
  local ldconfig
  ldconfig=$(PATH=$PATH:/sbin:/usr/sbin command -v ldconfig) || return 0
  "$ldconfig" -p | grep -F "$1.so" >/dev/null
}

need_postgres() {
  if [ -n "${PGETCD_POSTGRES_BIN:-}" ] || command -v postgres >/dev/null || has_postgres_elsewhere; then return; fi
  # Debian's package would otherwise create and start a cluster on port 5432.
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

# install_packages PACKAGE…: fails if they cannot be installed here. Waits for other installations, and lets no package start its
# service, as an etcd on port 2379 would be in the way.
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
