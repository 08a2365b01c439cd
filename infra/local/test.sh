#!/usr/bin/env bash
# Runs every test of the solution, or those that further arguments select, and ends with one plain line of counts.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
configuration=${1:-Debug}
[ $# -eq 0 ] || shift
results=$root/artifacts/test-results
rm -rf "$results"
status=0
dotnet test "$root/tests/Tests" -c "$configuration" --no-build --nologo "$@" \
  --logger 'trx;LogFileName=tests.trx' --logger 'console;verbosity=minimal' --results-directory "$results" || status=$?
trx=$results/tests.trx
[ -e "$trx" ] || { echo "the test run left no result file" >&2; exit 1; }
count() { grep -o "<Counters [^>]*" "$trx" | grep -o "$1=\"[0-9]*\"" | head -n 1 | tr -dc 0-9; }
total=$(count total); passed=$(count passed); failed=$(count failed)
echo "$passed passed, $failed failed, $((total - passed - failed)) skipped"
exit "$status"
