# shellcheck shell=bash
# Sourced by test.sh, which has set $root and sourced install.sh: a PgBouncer that prepares statements (1.21 or newer). If the machine's is
# older, that of Debian 13 with its own C library, kept below artifacts and not installed.
# shellcheck disable=SC2154

newer_suite=trixie
newer_packages="pgbouncer libc6 libcares2 libevent-2.1-7t64 libssl3t64 libsystemd0 libpam0g libaudit1 libcap-ng0 libcap2 zlib1g libzstd1"

# Sets TESTED_PGBOUNCER, or leaves it unset, which skips the tests of prepared statements.
find_pgbouncer() {
  local into=$root/artifacts/tools/pgbouncer
  if prepares_statements /usr/sbin/pgbouncer; then
    TESTED_PGBOUNCER=/usr/sbin/pgbouncer
  elif [ -x "$into/pgbouncer" ] || get_pgbouncer "$into"; then
    TESTED_PGBOUNCER=$into/pgbouncer
  else
    say "no PgBouncer that prepares statements is available; its tests are skipped"
    return
  fi
  export TESTED_PGBOUNCER
}

prepares_statements() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n 's/^PgBouncer //p')
  [ -n "$version" ] && [ "$(printf '%s\n' 1.21 "$version" | sort -V | head -1)" = 1.21 ]
}

# get_pgbouncer INTO: with separate lists and settings apt needs no rights and leaves the machine's packages alone.
get_pgbouncer() {
  local into=$1 work package loader libraries done=1
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/tree"
  touch "$work/status"
  echo "deb http://deb.debian.org/debian $newer_suite main" >"$work/sources.list"
  cat >"$work/apt.conf" <<END
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "";
END
  say "getting the PgBouncer of Debian $newer_suite"
  # shellcheck disable=SC2086
  if (cd "$work" && export APT_CONFIG=$work/apt.conf && timeout 120 apt-get update -q && timeout 120 apt-get download -q $newer_packages) \
    >/dev/null 2>&1; then
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
    libraries=$(dirname "$(find "$work/tree/usr/lib" -name libc.so.6 | head -1)")
    loader=$(basename "$(find "$libraries" -name 'ld-linux*' | head -1)")
    rm -rf "$into"
    mkdir -p "$into"
    mv "$libraries" "$into/lib"
    mv "$work/tree/usr/sbin/pgbouncer" "$into/pgbouncer.bin"
    cat >"$into/pgbouncer" <<END
#!/bin/sh
exec "$into/lib/$loader" --library-path "$into/lib" "$into/pgbouncer.bin" "\$@"
END
    chmod -R a+rX "$into"
    chmod 755 "$into/pgbouncer"
    if prepares_statements "$into/pgbouncer"; then done=0; else rm -rf "$into"; fi
  fi
  rm -rf "$work"
  return $done
}
