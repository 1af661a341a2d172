#!/usr/bin/env bash
# notices.sh TARGET: prints the licences of all that is linked into the program for one system. They
# ask for it: whoever passes on a binary has to pass on their texts.
set -euo pipefail

used="$(cargo tree --locked --edges normal --target "$1" --prefix none --format '{p}' | tr -d '\r' | cut -d ' ' -f 1,2 | sort -u)"
echo "Third-party software in cancel-pending for $1"
cargo metadata --locked --format-version 1 --filter-platform "$1" |
  jq -r '.packages[] | select(.source != null) | "\(.name) v\(.version)\t\(.license // "see its files")\t\(.manifest_path)"' |
  tr -d '\r' | sort | while IFS=$'\t' read -r name license manifest; do
  grep -qFx -- "$name" <<<"$used" || continue
  printf '\n==== %s (%s)\n' "$name" "$license"
  directory="$(dirname -- "$manifest")"
  for file in "$directory"/LICEN[CS]E* "$directory"/COPYING* "$directory"/NOTICE* "$directory"/UNLICENSE*; do
    [[ ! -f "$file" ]] || { echo && cat -- "$file"; }
  done
done
