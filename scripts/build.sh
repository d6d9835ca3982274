# shellcheck shell=bash
# Sourced by run.sh and test.sh, which have set $root and sourced install.sh: builds pgetcd as deployed, if its sources have changed.
# shellcheck disable=SC2154

out=$root/artifacts/pgetcd

build_server() {
  if ! is_stale; then return; fi
  mkdir -p "$root/artifacts"
  exec 9>"$root/artifacts/.lock"
  flock 9
  # Another script may have built while this one waited. The compiler keeps running as a server and must not inherit the lock.
  if is_stale; then build 9>&-; fi
  exec 9>&-
}

# The executable, at a path that stays valid when a newer one is built.
built_server() { echo "$(readlink -f "$out")/pgetcd"; }

# True if the output is missing, or a source has been changed, added or removed since the last build.
is_stale() {
  [ ! -x "$out/pgetcd" ] || [ ! -e "$out/.built" ] || [ "$(sources -print | sort | cksum)" != "$(cat "$out/.built")" ] ||
    [ -n "$(sources -newer "$out/.built" -print -quit)" ]
}

# The files that a build reads; no directories, as the first build creates more of them.
sources() {
  find "$root/src" "$root/protos" "$root/migrations" "$root/Directory.Build.props" "$root/Directory.Packages.props" \
    "$root/global.json" \( -name bin -o -name obj \) -prune -o -type f "$@" 2>/dev/null
}

# Each build has its own directory, and $out is a link to the newest: a server that runs from an older one keeps its files, which .NET
# loads when first needed. The last three are kept.
build() {
  say "building"
  local fresh log=$root/artifacts/build.log
  fresh=$root/artifacts/build-$(date +%s%N)
  mkdir -p "$fresh"
  sources -print | sort | cksum >"$fresh/.built" # before the build, so that later edits count as newer
  # Ahead-of-time compilation needs a package that not every machine can get; without it the server starts more slowly.
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

# Without the analyzers, which take a third of the time: the build of test.sh has them, with warnings as errors.
publish() {
  local to=$1
  shift
  dotnet publish "$root/src/PgEtcd.Server/PgEtcd.Server.csproj" -c Release -r linux-"$(machine)" --no-self-contained \
    -o "$to" -nodeReuse:false -v quiet -nologo -p:RunAnalyzers=false "$@"
}

machine() {
  case $(uname -m) in
    aarch64 | arm64) echo arm64 ;;
    *) echo x64 ;;
  esac
}
