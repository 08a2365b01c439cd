#!/usr/bin/env bash
# Everything a fresh Debian 12 machine needs, once: apt packages, npm tools, NuGet packages.
# Safe to run again at any time; each step is skipped when it is done, and an interrupted one starts over.
# What it fetches is kept in $EVENTSTREAM_CACHE (default ~/.cache/eventstream), keyed by version.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${EVENTSTREAM_CACHE:-$HOME/.cache/eventstream}
work=$(mktemp -d "${TMPDIR:-/tmp}/eventstream-setup.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache" "$root/artifacts/tools"
# Two checkouts may set themselves up at once; the cache is theirs in common.
exec 9>"$cache/setup.lock"
flock 9

say() { printf '  set-up  %s\n' "$*"; }
die() { printf 'set-up failed: %s\n' "$*" >&2; exit 1; }

run() { # run LOG COMMAND...: shows the end of the log when the command fails
  local log=$1; shift
  "$@" >"$log" 2>&1 || { tail -n 25 "$log" >&2; die "\`$*\` did not succeed; its last lines are above"; }
}

require() { command -v "$1" >/dev/null || die "'$1' is missing. $2"; }

apt_packages() {
  local wanted=(postgresql ffmpeg nginx-light chromium kcat python3-kafka make libgomp1 fonts-dejavu-core
    procps util-linux iproute2) missing=()
  for p in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && { say "Debian packages: all present"; return; }
  [ "$(id -u)" -eq 0 ] || die "Debian packages are missing (${missing[*]}); run this once as root"
  say "Debian packages: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # The platform runs a private cluster; Debian's own must not start on the default port.
  [ -e /etc/postgresql-common/createcluster.conf ] || { mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; }
  run "$work/apt-update.log" apt-get -o DPkg::Lock::Timeout=300 update
  run "$work/apt.log" apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
    install -y --no-install-recommends "${missing[@]}"
}

npm_tools() {
  require npm "Install Node.js 20 (Debian: nodejs npm)."
  local key dir
  key=$(cat "$root/infra/local/npm/package.json" "$root/infra/local/npm/package-lock.json" | sha256sum | cut -c1-16)
  dir="$cache/npm/$key"
  if [ ! -e "$dir/.complete" ]; then
    say "npm tools: libchdb, shaka-packager, players and footage (about 800 MB unpacked)"
    rm -rf "$dir"; mkdir -p "$dir"
    cp "$root"/infra/local/npm/package*.json "$root/infra/local/npm/.npmrc" "$dir/"
    run "$work/npm.log" npm ci --prefix "$dir" --ignore-scripts --no-audit --no-fund
    touch "$dir/.complete"
  fi
  ln -sfn "$dir/node_modules" "$root/artifacts/tools/node_modules"
  say "npm tools: ready"
}

restore() {
  say "NuGet packages: restoring"
  run "$work/restore.log" dotnet restore "$root/EventStream.sln" --locked-mode
  (cd "$root" && run "$work/tools.log" dotnet tool restore)
}

require dotnet "Install the .NET SDK 10."
apt_packages
npm_tools
restore
say "done; tools are cached in $cache"
