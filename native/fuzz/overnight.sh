#!/usr/bin/env bash
# The long fuzz: overnight.sh [INPUTS [TARGETS]]. A million inputs by default, for all targets together, at the lowest
# priority. Adds a row for each target to benchmarks/results/fuzz.jsonl; the corpus stays in build/fuzz/corpus, and the
# next night begins with it. Exit status 1 if anything was found.
set -euo pipefail
source "$(dirname "$0")/build.sh"
PYTHONPATH="$root:$root/src" nice -n 19 \
  "$python" "$root/native/fuzz/campaign.py" "$root/build/fuzz" --record --inputs "${1:-1000000}" ${2:+--targets "${@:2}"}
