#!/usr/bin/env bash
# check.sh VERSION: refuses to begin a release that could not be finished. Nothing is changed here.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 1
}

version="$1"
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "the version is not like 1.2.3"
grep -qx "version = \"$version\"" Cargo.toml || fail "Cargo.toml has another version than $version"
grep -A 1 -x 'name = "cancel-pending"' Cargo.lock | grep -qx "version = \"$version\"" ||
  fail "Cargo.lock has another version than $version"
[[ -z "$(git status --porcelain)" ]] || fail "the work tree is not clean"
head="$(git ls-remote --exit-code origin refs/heads/main | cut -f 1)"
[[ "$head" == "$(git rev-parse HEAD)" ]] || fail "this is not the head of main, which is $head"
if git ls-remote --exit-code origin "refs/tags/v$version" >/dev/null; then
  fail "v$version is there already; what is left of its release is made by running the failed job of its run again"
fi
# A checksum that is there before the release would be of something else.
! grep -q " cancel-pending-$version-" action/checksums.txt || fail "action/checksums.txt has $version already"
