#!/usr/bin/env bash
# Ends the action as the program ended. A program that could not say how it ended has failed.
set -euo pipefail

status=1
if [[ -n "$CP_DIRECTORY" && -f "$CP_DIRECTORY/status" ]]; then
  status="$(<"$CP_DIRECTORY/status")"
fi
[[ "$status" =~ ^[0-9]{1,3}$ ]] || status=1
echo "exit-code=$status" >>"$GITHUB_OUTPUT"
exit "$status"
