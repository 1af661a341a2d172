#!/usr/bin/env bash
# Reports what the program left: the plan, and the outcome of an apply. The inputs were checked by
# run.sh: where one was refused there is no plan.
set -euo pipefail
# shellcheck source=action/inputs.sh
source "$(dirname -- "$0")/inputs.sh"

one command "$CP_COMMAND"
command="$REPLY"
one working-directory "$CP_WORKING_DIRECTORY"
cd -- "${REPLY:-.}" 2>/dev/null || exit 0
# Nothing was begun: what was wrong is in the log. A plan that failed has a document, and is reported.
[[ -f "$CP_DIRECTORY/plan.json" ]] || exit 0

targets "$CP_REPORT"
to=,
for item in ${items[@]+"${items[@]}"}; do
  to+="$item,"
done
if [[ "$to" == , ]]; then
  case "$command" in
    plan | report) to=,summary,annotations,outputs,comment,review,check, ;;
    apply) to=,summary,annotations,outputs,comment,check, ;;
    *) exit 0 ;;
  esac
fi

status=report-status
# Where there is nothing but the report, its status is that of the action.
[[ "$command" == report ]] && status=status
arguments=("--status-file=$CP_DIRECTORY/$status" report "--plan=$CP_DIRECTORY/plan.json")
if [[ "$command" == apply ]]; then
  if [[ -f "$CP_DIRECTORY/outcome.json" ]]; then
    arguments+=("--outcome=$CP_DIRECTORY/outcome.json")
  else
    # Nothing was begun, and the log says why. A plan alone would read as if it had been.
    to=,none,
  fi
fi
# Later steps decide by the outputs, wherever people want to read about it.
[[ "$to" == ,none, ]] && to=,
[[ "$to" == *,outputs,* ]] || to+=outputs,
to="${to#,}"
arguments+=("--to=${to%,}")
add key "$CP_KEY"
add pull-request "$CP_PULL_REQUEST"
add reviewed-by "$CP_REVIEWED_BY"
add comment-author "$CP_COMMENT_AUTHOR"
boolean strict "$CP_STRICT"
[[ "$REPLY" == false ]] || arguments+=(--strict)
exec "$CP_PROGRAM" "${arguments[@]}"
