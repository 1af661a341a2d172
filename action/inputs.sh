# shellcheck shell=bash
# Reads the inputs of the action. Sourced by the other scripts; works with bash 3.2, which is what
# macOS has. Results are left in `REPLY` or `items`: a subshell could not end the script.

fail() {
  echo "::error::$1"
  exit 1
}

# Removes surrounding white space.
trim() {
  REPLY="${1#"${1%%[![:space:]]*}"}"
  REPLY="${REPLY%"${REPLY##*[![:space:]]}"}"
}

# one INPUT VALUE: an input that is one value on one line.
one() {
  trim "$2"
  [[ "$REPLY" != *[$'\r\n']* ]] || fail "the input \`$1\` takes one line"
}

# boolean INPUT VALUE: a switch that is neither is a mistake, and never a no.
boolean() {
  one "$1" "$2"
  [[ "$REPLY" == true || "$REPLY" == false ]] || fail "the input \`$1\` is neither \`true\` nor \`false\`"
}

# list VALUE [,]: a list with one item a line, where asked for also separated by commas.
list() {
  local text="$1" line
  items=()
  [[ -z "${2:-}" ]] || text="${text//,/$'\n'}"
  while IFS= read -r line; do
    trim "$line"
    [[ -z "$REPLY" ]] || items+=("$REPLY")
  done <<<"$text"
}

# add INPUT VALUE: an argument for the flag of the same name, if the input is set.
add() {
  one "$1" "$2"
  [[ -z "$REPLY" ]] || arguments+=("--$1=$REPLY")
}

# add_each INPUT VALUE: the same for each item of a list.
add_each() {
  list "$2" ,
  local item
  for item in ${items[@]+"${items[@]}"}; do
    arguments+=("--$1=$item")
  done
}

# targets VALUE: checks the input `report`, and leaves its targets in `items`.
targets() {
  list "$1" ,
  local item
  for item in ${items[@]+"${items[@]}"}; do
    case "$item" in
      summary | annotations | outputs | comment | review | check) ;;
      none) ((${#items[@]} == 1)) || fail "the input \`report\` takes \`none\` or targets, not both" ;;
      *) fail "the input \`report\` takes summary, annotations, outputs, comment, review and check, or none" ;;
    esac
  done
}

# The working directory, in the form that programs and actions understand: on Windows bash has its own.
native_directory() {
  pwd -W 2>/dev/null || pwd
}
