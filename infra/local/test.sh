#!/usr/bin/env bash
# test.sh [CONFIGURATION [PROJECT...] [OPTION...]]: runs the tests of the projects below tests/ that are named, or of all,
# with options of `dotnet test` such as --filter, and ends with one plain line of counts. It fails when any test fails.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
configuration=${1:-Debug}
[ $# -eq 0 ] || shift
projects=()
while [[ ${1:--} != -* ]]; do projects+=("$1"); shift; done
[ ${#projects[@]} -gt 0 ] || projects=(Unit Integration EndToEnd Embedded)
results=$root/artifacts/test-results
rm -rf "$results"
# A test that makes no progress is ended and named; those of the soak may take their time.
hang=$((${EVENTSTREAM_SOAK_SECONDS:-0} + 420))s
status=0 total=0 passed=0 failed=0
count() { grep -o "<Counters [^>]*" "$trx" | grep -o "$1=\"[0-9]*\"" | head -n 1 | tr -dc 0-9; }
# One after another: the tests of one project already take the whole machine.
for project in "${projects[@]}"; do
  trx=$results/$project.trx
  dotnet test "$root/tests/$project" -c "$configuration" --no-build --nologo "$@" \
    --logger "trx;LogFileName=$project.trx" --logger 'console;verbosity=minimal' --results-directory "$results" \
    --blame-hang-timeout "$hang" --blame-hang-dump-type none \
    || status=$?
  [ -e "$trx" ] || { echo "the tests of $project left no result file" >&2; exit 1; }
  total=$((total + $(count total)))
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count failed)))
done
[ "$total" -gt 0 ] || { echo "no test was selected" >&2; exit 1; }
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit "$status"
