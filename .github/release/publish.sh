#!/usr/bin/env bash
# publish.sh VERSION DIRECTORY: pushes the commit with the checksums and its tag, makes the release, publishes
# the crate, and moves the tag of the major version. Each step leaves alone what is there already, so
# that the job can be run again after one has failed.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 1
}

version="$1"
directory="$2"
tag="v$version"
# The token is gh's: it is in no file of this clone.
push() {
  git -c credential.helper= -c credential.helper='!gh auth git-credential' push --quiet "$@"
}

# Both or none. Where main has moved on since the build, nothing was published yet.
if ! git ls-remote --exit-code origin "refs/tags/$tag" >/dev/null; then
  push --atomic origin "HEAD:refs/heads/main" "refs/tags/$tag" ||
    fail "main and $tag can't be pushed, and nothing was published; if main has moved on, start the release again"
fi

prerelease=()
[[ "$version" != *-* ]] || prerelease=(--prerelease)
state="$(gh release view "$tag" --json isDraft --jq .isDraft 2>/dev/null || echo none)"
if [[ "$state" == true ]]; then
  # A draft is what an interrupted upload leaves.
  gh release delete "$tag" --yes
fi
if [[ "$state" != false ]]; then
  gh release create "$tag" --verify-tag --generate-notes ${prerelease[@]+"${prerelease[@]}"} \
    "$directory"/*.tar.gz "$directory"/*.cdx.json
fi

# It was built by the step before, which had no token.
if ! answer="$(cargo publish --locked --no-verify 2>&1)"; then
  [[ "$answer" == *"already exists"* ]] || fail "the crate can't be published: $answer"
fi
echo "$answer"

if [[ "$version" != *-* ]]; then
  push --force origin "refs/tags/$tag^{commit}:refs/tags/${tag%%.*}"
fi
