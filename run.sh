#!/usr/bin/env bash
# Builds pgetcd if its sources changed and becomes it: ./run.sh [flags]   (./run.sh --help lists them)
# Without --database it runs a private local PostgreSQL, whose programs are installed here when they are missing.
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
out=$root/artifacts/pgetcd
# shellcheck source=scripts/install.sh
. "$root/scripts/install.sh"

# Something to build when the output is missing or any source is newer than the last build.
is_stale() {
  [ ! -x "$out/pgetcd" ] || [ ! -e "$out/.built" ] ||
    [ -n "$(find "$root/src" "$root/protos" "$root/migrations" "$root/Directory.Build.props" "$root/Directory.Packages.props" \
      "$root/global.json" \( -name bin -o -name obj \) -prune -o -newer "$out/.built" -print -quit 2>/dev/null)" ]
}

# Each build has a directory of its own and $out is a link to the newest: a server that runs from an older one keeps
# its files, which .NET loads when it first needs them. The last three are kept.
build() {
  need_dotnet
  say "building"
  local fresh log=$root/artifacts/build.log
  fresh=$root/artifacts/build-$(date +%s%N)
  mkdir -p "$fresh"
  touch "$fresh/.built" # before the build: what is edited meanwhile counts as newer
  # Compiling ahead of time needs a package that not every machine can get; without it the server starts slower.
  if ! publish "$fresh" -p:PublishReadyToRun=true >"$log" 2>&1 && ! publish "$fresh" >"$log" 2>&1; then
    { grep -E 'error|warning' "$log" || tail -20 "$log"; } | sort -u | head -20 >&2
    rm -rf "$fresh"
    say "the build failed, see $log"
    return 1
  fi
  ln -s "${fresh##*/}" "$fresh.link"
  mv -T "$fresh.link" "$out"
  find "$root/artifacts" -maxdepth 1 -type d -name 'build-*' | sort | head -n -3 | xargs -r rm -rf
}

publish() {
  local to=$1
  shift
  dotnet publish "$root/src/PgEtcd.Server/PgEtcd.Server.csproj" -c Release -r linux-"$(machine)" --no-self-contained \
    -o "$to" -nodeReuse:false -v quiet -nologo "$@"
}

machine() {
  case $(uname -m) in
    aarch64 | arm64) echo arm64 ;;
    *) echo x64 ;;
  esac
}

needs_postgres() {
  local argument
  for argument in "$@"; do
    case $argument in
      --database | --database=* | -database | -database=* | --help | -h | --version | -version) return 1 ;;
    esac
  done
  [ -z "${PGETCD_DATABASE:-}" ]
}

if is_stale; then
  mkdir -p "$root/artifacts"
  exec 9>"$root/artifacts/.lock"
  flock 9
  # Another run.sh may have built while this one waited.
  if is_stale; then build; fi
  exec 9>&-
fi
if needs_postgres "$@"; then need_postgres; fi
# A larger youngest generation: fewer collections promote what is garbage a moment later (docs/decisions/0005). .NET reads
# it from nowhere but the environment.
export DOTNET_GCgen0size="${DOTNET_GCgen0size:-0x4000000}"
exec "$(readlink -f "$out")/pgetcd" "$@"
