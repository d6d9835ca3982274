#!/bin/bash
# healthcheck.sh HOST PORT: succeeds if /health reports a healthy server. .NET's images lack curl and wget, but bash can connect.
set -euo pipefail
exec 3<>"/dev/tcp/$1/$2"
printf 'GET /health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
IFS= read -r -t 2 status <&3
[[ $status == *' 200 '* ]]
