#!/usr/bin/env bash
# One offer after the other. `$0 LIST`, with PORTAL and TOKEN in the environment.
set -euo pipefail
here=$(dirname "$0")
while read -r publisher offer; do
  # Sourced in a subshell: a process less for each offer than calling it.
  (set -- "$publisher" "$offer"; source "$here/one.sh")
done <"$1" | sort | uniq -c
