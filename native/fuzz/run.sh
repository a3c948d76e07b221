#!/usr/bin/env bash
# A short fuzz: run.sh SECONDS, for all targets together. Exit status 1 if anything was found.
set -euo pipefail
seconds=${1:?use: run.sh SECONDS}
source "$(dirname "$0")/build.sh"
"$python" "$root/native/fuzz/campaign.py" "$root/build/fuzz" --seconds "$seconds"
