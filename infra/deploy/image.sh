#!/usr/bin/env bash
# Publishes the command with its own runtime and builds the container image eventstream:TAG from it (TAG defaults to latest).
# CONTAINER_ENGINE names the program that builds, docker by default; `none` stops after what goes into the image is there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tag=${1:-latest}
engine=${CONTAINER_ENGINE:-docker}
stage=$root/artifacts/image
packages=(hls.js dashjs shaka-packager)

rm -rf "$stage"
mkdir -p "$stage/node_modules"
echo "  image   publishing the command with its runtime"
# The committed lock files hold no runtime identifier; restore writes those of the image beside the build. The analyzers
# have seen this code in `make build`.
dotnet publish "$root/services/Cli" -c Release -r linux-x64 --self-contained --nologo -v m -clp:NoSummary \
  -p:NuGetLockFilePath=obj/image.lock.json -p:RunAnalyzers=false \
  "-p:OutDir=$stage/build/" -p:PublishReadyToRun=true -o "$stage/publish"
for package in "${packages[@]}"; do
  cp -rL "$root/artifacts/tools/node_modules/$package" "$stage/node_modules/"
done
cp "$root/infra/deploy/Containerfile" "$stage/"
rm -rf "$stage/build"
echo "  image   staged in artifacts/image ($(du -sh "$stage" | cut -f1))"
[ "$engine" != none ] || exit 0
command -v "$engine" >/dev/null || { echo "'$engine' is missing: install it, or set CONTAINER_ENGINE" >&2; exit 1; }
"$engine" build -t "eventstream:$tag" -f "$stage/Containerfile" "$stage"
