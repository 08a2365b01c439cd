#!/usr/bin/env bash
# The house's format: CSharpier for C# and project files, Prettier for the web code. `check` says what differs, `write` changes it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
mapfile -t web < <(git ls-files --cached --others --exclude-standard 'services/*.js' 'services/*.css' 'services/*.html' 'services/*.ts')
prettier=artifacts/tools/node_modules/.bin/prettier
case ${1:-check} in
  write)
    dotnet csharpier format .
    "$prettier" --log-level warn --write "${web[@]}"
    ;;
  check)
    dotnet csharpier check . --log-level Warning || { echo "C# is not in the house's format: run \`make format\`" >&2; exit 1; }
    "$prettier" --log-level warn --check "${web[@]}" || { echo "web code is not in the house's format: run \`make format\`" >&2; exit 1; }
    ;;
  *) echo "usage: format.sh check|write" >&2; exit 2 ;;
esac
