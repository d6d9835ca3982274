#!/usr/bin/env bash
# Runs every test: ./test.sh [--containers] [project …]   e.g. ./test.sh Mvcc Postgres. Ends in "N passed, N failed".
# --containers: against PostgreSQL in a container, the project Postgres unless others are named (tests/README.md).
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
cd "$root"
# shellcheck source=scripts/install.sh
. "$root/scripts/install.sh"
# shellcheck source=scripts/build.sh
. "$root/scripts/build.sh"
# shellcheck source=scripts/containers.sh
. "$root/scripts/containers.sh"
results=$root/artifacts/tests
hang_minutes=5     # one test may take this long
project_minutes=45 # one project may take this long
passed=0 failed=0 skipped=0
# The tests that compare real etcd with itself try the test tools; they run when asked for.
filter=()
if [ "${PGETCD_SELFTEST:-}" != 1 ]; then filter=(--filter 'Category!=SelfTest'); fi

# The other side of the differential tests, the clients, a PostgreSQL, and what stands between them in production. A test whose
# tool is missing all the same is skipped, and fails with CI=true.
need_tools() {
  need_dotnet
  local missing=()
  command -v etcd >/dev/null || missing+=(etcd-server)
  command -v etcdctl >/dev/null || missing+=(etcd-client)
  [ -d /usr/lib/python3/dist-packages/etcd3 ] || missing+=(python3-etcd3)
  command -v psql >/dev/null || missing+=(postgresql-client)
  [ -x /usr/bin/chromium ] || missing+=(chromium fonts-noto-core)
  [ -x /usr/bin/npm ] || missing+=(npm)
  [ -x /usr/bin/curl ] || missing+=(curl)
  [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
  [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
  need_postgres
  if [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"; then return; fi
  # One that cannot be had must not keep the others away.
  local package
  for package in "${missing[@]}"; do
    install_packages "$package" || say "$package is missing and not installable here; the tests that need it are skipped or fail"
  done
}

# A project that crashed, hung, or ran nothing counts as one failure on top of what it reported.
run_project() {
  local project=$1 name status=0 counts
  name=$(basename "$project" .csproj)
  echo "== $name"
  rm -f "$results/$name.trx"
  timeout --kill-after=30 "${project_minutes}m" dotnet test "$project" -c Release --no-build -nologo --results-directory "$results" \
    "${filter[@]}" --logger "trx;LogFileName=$name.trx" --blame-hang --blame-hang-timeout "${hang_minutes}m" --blame-hang-dump-type none || status=$?
  counts=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null || true)
  local total ok bad
  total=$(counter total) ok=$(counter passed) bad=$(counter failed)
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + total - ok - bad))
  if [ "$total" = 0 ]; then
    echo "$name: no tests were run" >&2
    failed=$((failed + 1))
  elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
    echo "$name: ended with status $status" >&2
    failed=$((failed + 1))
  fi
}

# One number of the results file that run_project has read.
counter() {
  local number
  number=$(sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counts")
  echo "${number:-0}"
}

use_containers=
if [ "${1:-}" = --containers ]; then
  use_containers=yes
  shift
  if [ $# = 0 ]; then set -- Postgres; fi
fi
projects=()
if [ $# -gt 0 ]; then
  for name in "$@"; do projects+=("tests/PgEtcd.$name.Tests/PgEtcd.$name.Tests.csproj"); done
else
  projects=(tests/*.Tests/*.csproj)
fi

need_tools
if [ -n "$use_containers" ]; then
  trap stop_containers EXIT
  start_containers
fi
mkdir -p "$results"
exec 9>"$root/artifacts/.lock"
flock 9
if [ $# -gt 0 ]; then
  for project in "${projects[@]}"; do dotnet build "$project" -c Release -v quiet -nologo -nodeReuse:false; done
else
  dotnet build PgEtcd.sln -c Release -v quiet -nologo -nodeReuse:false
fi
exec 9>&-
# Tests start it by the hundred: compiled ahead of time that takes half as long, and it is what users run.
build_server
TESTED_PGETCD=$(built_server)
export TESTED_PGETCD
for project in "${projects[@]}"; do run_project "$project"; done

echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
