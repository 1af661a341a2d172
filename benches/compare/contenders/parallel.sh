#!/usr/bin/env bash
# CONCURRENCY offers at once.
set -euo pipefail
xargs -P "$CONCURRENCY" -L 1 bash "$(dirname "$0")/one.sh" <"$1" | sort | uniq -c
