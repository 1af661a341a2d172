#!/usr/bin/env bash
# Runs the program. What users write comes as environment variables and goes into arguments as it
# is: no part of it is read by a shell. All inputs are checked here, those of the report too: a
# mistake in one must not be found after the portal was changed.
set -euo pipefail
# shellcheck source=action/inputs.sh
source "$(dirname -- "$0")/inputs.sh"

one command "$CP_COMMAND"
command="$REPLY"
[[ "$command" =~ ^(plan|apply|validate|report)$ ]] ||
  fail "the input \`command\` is none of plan, apply, validate and report"
boolean offline "$CP_OFFLINE"
offline="$REPLY"
boolean coverage "$CP_COVERAGE"
coverage="$REPLY"
boolean reviewed "$CP_REVIEWED"
reviewed="$REPLY"
boolean require-approval "$CP_REQUIRE_APPROVAL"
require_approval="$REPLY"
boolean wait "$CP_WAIT"
wait="$REPLY"
boolean strict "$CP_STRICT"
targets "$CP_REPORT"
one pull-request "$CP_PULL_REQUEST"
[[ "$REPLY" =~ ^[0-9]*$ ]] || fail "the input \`pull-request\` is not a number"
one key "$CP_KEY"
one branch "$CP_BRANCH"
branch="$REPLY"
one reviewed-by "$CP_REVIEWED_BY"
one comment-author "$CP_COMMENT_AUTHOR"

one working-directory "$CP_WORKING_DIRECTORY"
cd -- "${REPLY:-.}" || fail "the input \`working-directory\` names no directory"

if [[ "$command" == report ]]; then
  # Another run made it. The next step reads it, and trusts nothing in it.
  one plan "$CP_PLAN"
  [[ -n "$REPLY" && -f "$REPLY" ]] || fail "the input \`plan\` names no file"
  cp -- "$REPLY" "$CP_DIRECTORY/plan.json"
  exit 0
fi

arguments=("--status-file=$CP_DIRECTORY/status")
case "$command" in
  plan) arguments+=(plan "--out=$CP_DIRECTORY/plan.json") ;;
  apply) arguments+=(apply --auto-approve "--plan-out=$CP_DIRECTORY/plan.json" "--out=$CP_DIRECTORY/outcome.json") ;;
  validate) arguments+=(validate) ;;
esac

if [[ "$command" != validate ]]; then
  add endpoint "$CP_ENDPOINT"
  add emulate "$CP_EMULATE"
  add auth "$CP_AUTH"
  add cloud "$CP_CLOUD"
  add concurrency "$CP_CONCURRENCY"
  add request-timeout "$CP_REQUEST_TIMEOUT"
  add max-cancels "$CP_MAX_CANCELS"
  add_each publisher "$CP_PUBLISHER"
  add_each offer "$CP_OFFER"
fi
if [[ "$command" == plan ]]; then
  [[ "$offline" == false ]] || arguments+=(--offline)
  [[ "$coverage" == false ]] || arguments+=(--coverage)
fi
if [[ "$command" == apply ]]; then
  add timeout "$CP_TIMEOUT"
  add linger "$CP_LINGER"
  add expect-digest "$CP_EXPECT_DIGEST"
  add_each allow-event "$CP_ALLOW_EVENT"
  add journal "$CP_JOURNAL"
  # Where the last step looks for it.
  case "$REPLY" in
    "") ;;
    /* | [A-Za-z]:*) printf '%s' "$REPLY" >"$CP_DIRECTORY/journal" ;;
    *) printf '%s/%s' "$(native_directory)" "$REPLY" >"$CP_DIRECTORY/journal" ;;
  esac
  [[ "$wait" == true ]] || arguments+=(--no-wait)
  if [[ "$reviewed" == true ]]; then
    arguments+=(--reviewed)
    add key "$CP_KEY"
    add reviewed-by "$CP_REVIEWED_BY"
    add branch "$CP_BRANCH"
    [[ "$require_approval" == false ]] || arguments+=(--require-approval)
    # The job's token is only there where what was approved has to be looked up.
    export GITHUB_TOKEN="$CP_GITHUB_TOKEN"
  elif [[ "$require_approval" == true ]]; then
    fail "the input \`require-approval\` means nothing without \`reviewed\`"
  elif [[ -n "$branch" ]]; then
    fail "the input \`branch\` means nothing without \`reviewed\`"
  fi
fi

list "$CP_FILES"
((${#items[@]} > 0)) || fail "the input \`files\` names no file"

unset CP_GITHUB_TOKEN
exec "$CP_PROGRAM" "${arguments[@]}" -- "${items[@]}"
