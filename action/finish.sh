#!/usr/bin/env bash
# Ends the action as the program ended, and names the files that are there. A program that could
# not say how it ended has failed, and so has a report that was asked for and could not be made.
set -euo pipefail
# shellcheck source=action/inputs.sh
source "$(dirname -- "$0")/inputs.sh"

output() {
  # A value of several lines could set other outputs.
  [[ "$2" == *[$'\r\n']* ]] || echo "$1=$2" >>"$GITHUB_OUTPUT"
}

# read_status FILE: the number in it, 1 where there is none.
read_status() {
  REPLY=1
  [[ ! -f "$1" ]] || REPLY="$(<"$1")"
  [[ "$REPLY" =~ ^[0-9]{1,3}$ ]] || REPLY=1
}

status=1
if [[ -n "$CP_DIRECTORY" ]]; then
  read_status "$CP_DIRECTORY/status"
  status="$REPLY"
  if ((status == 0)) && [[ "$CP_REPORT_OUTCOME" == failure ]]; then
    # The report of what was sent ends with 3 while it is not confirmed, which is no failure for an apply that need not wait.
    read_status "$CP_DIRECTORY/report-status"
    ((REPLY == 3)) || status=1
  fi
  # A plan to report on was somebody else's, and is no output.
  if [[ -f "$CP_DIRECTORY/plan.json" && "$CP_COMMAND" != *report* ]]; then
    output plan "$CP_DIRECTORY/plan.json"
  fi
  if [[ -f "$CP_DIRECTORY/outcome.json" ]]; then
    output outcome "$CP_DIRECTORY/outcome.json"
  fi
  if [[ -f "$CP_DIRECTORY/journal" ]]; then
    journal="$(<"$CP_DIRECTORY/journal")"
    if [[ -f "$journal" ]]; then
      # Without `.` and `..`, which actions/upload-artifact takes for a mistake.
      output journal "$(cd -- "$(dirname -- "$journal")" && native_directory)/$(basename -- "$journal")"
    fi
  fi
fi
output exit-code "$status"
exit "$status"
