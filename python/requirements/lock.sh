#!/bin/sh
# Locks every requirement set, also those of tests. The sets share versions: one union is resolved first and constrains
# each, so that uv's cache links the same files into every environment.
set -eu
cd "$(dirname "$0")"
union=$(mktemp)
trap 'rm -f "$union"' EXIT
lock="uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header"
tests=$(ls ../../tests/compat/*/requirements.in)
# shellcheck disable=SC2086
cat ./*.in $tests | $lock - --output-file "$union"
for set in ./*.in $tests; do
    $lock "$set" --constraint "$union" --output-file "${set%.in}.txt" "$@"
done
