#!/bin/sh
# Stands in for a build of the bench: writes the reports next to it, 1.json and so on, one per run. Without a further one
# it fails, as a round that is not valid.
folder=$(dirname "$0")
while [ "$1" != --json ]; do shift; done
run=$(($(cat "$folder/runs" 2>/dev/null || echo 0) + 1))
echo "$run" >"$folder/runs"
echo "$folder" >>"$folder/../order"
cat "$folder/$run.json" >"$2" || { echo "matricula-bench: the audit is broken" >&2; exit 1; }
