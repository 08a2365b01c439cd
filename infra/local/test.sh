#!/usr/bin/env bash
# Runs every test of the solution, or those that further arguments select, and ends with one plain line of counts.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
configuration=${1:-Debug}
[ $# -eq 0 ] || shift
results=$root/artifacts/test-results
rm -rf "$results"
# A test that makes no progress is ended and named; those of the soak may take their time.
hang=$((${EVENTSTREAM_SOAK_SECONDS:-0} + 420))s
status=0 total=0 passed=0 failed=0
count() { grep -o "<Counters [^>]*" "$trx" | grep -o "$1=\"[0-9]*\"" | head -n 1 | tr -dc 0-9; }
for project in Tests Embedded; do
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
