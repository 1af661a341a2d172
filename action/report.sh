#!/usr/bin/env bash
# Reports what the program left: the plan, and the outcome of an apply.
set -euo pipefail

cd -- "$CP_WORKING_DIRECTORY" 2>/dev/null || exit 0
# No plan was made: what was wrong is in the log.
[[ -f "$CP_DIRECTORY/plan.json" ]] || exit 0

case "$CP_COMMAND" in
  plan | report) targets="${CP_REPORT:-summary,annotations,outputs,comment,review,check}" ;;
  apply) targets="${CP_REPORT:-summary,annotations,outputs,comment,check}" ;;
  *) exit 0 ;;
esac
[[ "$targets" == none ]] && exit 0

arguments=(report "--plan=$CP_DIRECTORY/plan.json" "--to=$targets")
[[ -n "$CP_KEY" ]] && arguments+=("--key=$CP_KEY")
if [[ "$CP_COMMAND" == apply ]]; then
  # It did not begin, and said why.
  [[ -f "$CP_DIRECTORY/outcome.json" ]] || exit 0
  arguments+=("--outcome=$CP_DIRECTORY/outcome.json")
fi
# Where there is nothing but the report, its status is that of the action.
[[ "$CP_COMMAND" == report ]] && arguments+=("--status-file=$CP_DIRECTORY/status")
exec "$CP_PROGRAM" "${arguments[@]}"
