#!/usr/bin/env bash
# Runs PgEtcd and Debian's etcd side by side and prints a comparison: bench/run.sh --help
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root"
# shellcheck source=../scripts/install.sh
. "$root/scripts/install.sh"
# shellcheck source=../scripts/build.sh
. "$root/scripts/build.sh"

packages=''
command -v h2load >/dev/null || packages="$packages nghttp2-client"
command -v etcd >/dev/null || packages="$packages etcd-server"
command -v gcc >/dev/null || packages="$packages gcc libc6-dev"
if [ -n "$packages" ]; then
  [ "$(id -u)" = 0 ] || { echo "bench: please install:$packages" >&2; exit 2; }
  # shellcheck disable=SC2086
  apt-get install -y -q $packages >&2
fi

mkdir -p bench/out
[ bench/out/random-key.so -nt bench/random-key.c ] ||
  gcc -O2 -Wall -shared -fPIC -o bench/out/random-key.so bench/random-key.c

dotnet publish bench/PgEtcd.Bench -c Release -o bench/out/tool -v q -nologo -maxcpucount:1 -nodeReuse:false >&2

# The server is built as users get it, unless it is not measured or --pgetcd names another build.
case " $* " in
  *' --pgetcd '* | *' --servers etcd '* | *' --servers etcd,etcd '* | *' --list '* | *' --help '*) ;;
  *) build_server >&2 ;;
esac

exec bench/out/tool/pgetcd-bench --out bench/out --pgetcd "$(built_server)" "$@"
