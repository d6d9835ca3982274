# shellcheck shell=bash
# Sourced by run.sh and test.sh, which have set $root and sourced install.sh: builds pgetcd as it is deployed, if its sources changed.
# shellcheck disable=SC2154

out=$root/artifacts/pgetcd

build_server() {
  if ! is_stale; then return; fi
  mkdir -p "$root/artifacts"
  exec 9>"$root/artifacts/.lock"
  flock 9
  # Another script may have built while this one waited.
  # The compiler goes on as a server: with the lock it would keep everybody else out.
  if is_stale; then build 9>&-; fi
  exec 9>&-
}

# The executable, where it stays also when a newer one is built.
built_server() { echo "$(readlink -f "$out")/pgetcd"; }

# Something to build when the output is missing, or any source is newer than the last build, has come, or has gone.
is_stale() {
  [ ! -x "$out/pgetcd" ] || [ ! -e "$out/.built" ] || [ "$(sources -print | sort | cksum)" != "$(cat "$out/.built")" ] ||
    [ -n "$(sources -newer "$out/.built" -print -quit)" ]
}

# The files that a build reads. Directories do not count: the first build makes more of them.
sources() {
  find "$root/src" "$root/protos" "$root/migrations" "$root/Directory.Build.props" "$root/Directory.Packages.props" \
    "$root/global.json" \( -name bin -o -name obj \) -prune -o -type f "$@" 2>/dev/null
}

# Each build has a directory of its own and $out is a link to the newest: a server that runs from an older one keeps
# its files, which .NET loads when it first needs them. The last three are kept.
build() {
  say "building"
  local fresh log=$root/artifacts/build.log
  fresh=$root/artifacts/build-$(date +%s%N)
  mkdir -p "$fresh"
  sources -print | sort | cksum >"$fresh/.built" # before the build: what is edited meanwhile counts as newer
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

# Without the analyzers, which take a third of the time: test.sh's build has them, and there warnings are errors.
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
