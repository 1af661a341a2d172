#!/usr/bin/env bash
# record.sh VERSION DIRECTORY: commits the checksums of the archives in the directory, and tags that
# commit. Whoever pins the version's tag, or its commit, then has the checksums of its archives. Only
# this clone is changed. Where the tag was pushed by an earlier attempt, it is taken up again.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 1
}

version="$1"
directory="$2"
tag="v$version"
built="$(git rev-parse HEAD)"

checksums=""
for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-apple-darwin aarch64-apple-darwin x86_64-pc-windows-msvc; do
  archive="cancel-pending-$version-$target.tar.gz"
  [[ -f "$directory/$archive" ]] || fail "$archive was not built"
  # From standard input: a name in the answer could be escaped.
  sum="$(sha256sum <"$directory/$archive")"
  checksums+="${sum%% *}  $archive"$'\n'
done
count="$(find "$directory" -name '*.tar.gz' | wc -l)"
((count == 5)) || fail "there are $count archives, and 5 are known"

if git ls-remote --exit-code origin "refs/tags/$tag" >/dev/null; then
  git fetch --quiet --force origin "refs/tags/$tag:refs/tags/$tag"
  [[ "$(git rev-parse "$tag^{commit}^")" == "$built" ]] || fail "$tag was made from another commit than these archives"
  [[ "$(git show "$tag:action/checksums.txt")"$'\n' == *$'\n'"$checksums" ]] ||
    fail "$tag has other checksums than these archives"
  git checkout --quiet --detach "$tag"
  exit 0
fi
printf '%s' "$checksums" >>action/checksums.txt
git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit --quiet --message "Record the checksums of $tag" -- action/checksums.txt
git tag "$tag"
