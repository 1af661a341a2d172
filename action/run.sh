#!/usr/bin/env bash
# Runs the program. What users write comes as environment variables and goes into arguments as it
# is: no part of it is read by a shell.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 1
}

# A switch that is neither is a mistake, and never a no.
is_on() {
  case "$2" in
    true) return 0 ;;
    false | "") return 1 ;;
    *) fail "the input \`$1\` is neither true nor false" ;;
  esac
}

cd -- "$CP_WORKING_DIRECTORY" || fail "the working directory is not there"

if [[ "$CP_COMMAND" == report ]]; then
  # Another run has made it. The next step reads it, and trusts nothing in it.
  cp -- "$CP_PLAN" "$CP_DIRECTORY/plan.json" || fail "the input \`plan\` names no file"
  exit 0
fi

arguments=("--status-file=$CP_DIRECTORY/status")
case "$CP_COMMAND" in
  plan) arguments+=(plan "--out=$CP_DIRECTORY/plan.json") ;;
  apply) arguments+=(apply --auto-approve "--plan-out=$CP_DIRECTORY/plan.json" "--out=$CP_DIRECTORY/outcome.json") ;;
  validate) arguments+=(validate) ;;
  *) fail "the input \`command\` is none of plan, apply, validate and report" ;;
esac

if [[ "$CP_COMMAND" != validate ]]; then
  [[ -n "$CP_ENDPOINT" ]] && arguments+=("--endpoint=$CP_ENDPOINT")
  [[ -n "$CP_EMULATE" ]] && arguments+=("--emulate=$CP_EMULATE")
  arguments+=("--concurrency=$CP_CONCURRENCY")
  echo "plan=$CP_DIRECTORY/plan.json" >>"$GITHUB_OUTPUT"
fi
if [[ "$CP_COMMAND" == plan ]]; then
  is_on offline "$CP_OFFLINE" && arguments+=(--offline)
fi
if [[ "$CP_COMMAND" == apply ]]; then
  arguments+=("--timeout=$CP_TIMEOUT")
  is_on wait "${CP_WAIT:-true}" || arguments+=(--no-wait)
  [[ -n "$CP_EXPECT_DIGEST" ]] && arguments+=("--expect-digest=$CP_EXPECT_DIGEST")
  if is_on reviewed "$CP_REVIEWED"; then
    arguments+=(--reviewed)
    [[ -n "$CP_KEY" ]] && arguments+=("--key=$CP_KEY")
    is_on require-approval "$CP_REQUIRE_APPROVAL" && arguments+=(--require-approval)
    # The job's token is there only for who has to look up what was approved.
    export GITHUB_TOKEN="$CP_GITHUB_TOKEN"
  elif is_on require-approval "$CP_REQUIRE_APPROVAL"; then
    fail "the input \`require-approval\` means nothing without \`reviewed\`"
  fi
  echo "outcome=$CP_DIRECTORY/outcome.json" >>"$GITHUB_OUTPUT"
fi

files=()
while IFS= read -r file || [[ -n "$file" ]]; do
  file="${file%$'\r'}"
  [[ -n "$file" ]] && files+=("$file")
done <<<"$CP_FILES"
((${#files[@]} > 0)) || fail "the input \`files\` names no file"

unset CP_GITHUB_TOKEN
exec "$CP_PROGRAM" "${arguments[@]}" -- "${files[@]}"
