#!/usr/bin/env bash
# Builds pgetcd if its sources have changed, then runs it: ./run.sh [flags]   (./run.sh --help lists them)
# Without --database, pgetcd runs a private local PostgreSQL; this script installs its programs if they are missing.
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=scripts/install.sh
. "$root/scripts/install.sh"
# shellcheck source=scripts/build.sh
. "$root/scripts/build.sh"

needs_postgres() {
  local argument
  for argument in "$@"; do
    case $argument in
      --database | --database=* | -database | -database=* | --help | -h | --version | -version) return 1 ;;
    esac
  done
  [ -z "${PGETCD_DATABASE:-}" ]
}

need_dotnet
build_server
if needs_postgres "$@"; then need_postgres; fi
# With a larger youngest generation, fewer collections promote short-lived objects (docs/decisions/0005). .NET reads the setting only
# from the environment.
export DOTNET_GCgen0size="${DOTNET_GCgen0size:-0x4000000}"
exec "$(built_server)" "$@"
