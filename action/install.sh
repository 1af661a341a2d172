#!/usr/bin/env bash
# Puts the program where the next steps find it: the binary of a release, checked against the
# checksum that is committed beside this file, or one built from the action's own source where
# there is no release. Whatever is missing or wrong ends here, before anything runs.
set -euo pipefail

fail() {
  echo "::error::cancel-pending can't be installed: $1"
  exit 1
}

here="$(cd -- "$(dirname -- "$0")" && pwd)"
source_directory="$(dirname -- "$here")"
version="${CP_VERSION:-}"
if [[ -z "$version" ]]; then
  version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source_directory/Cargo.toml" | head -n 1)"
fi
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "the version is not like 1.2.3"

case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  *) fail "there is none for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this processor}" ;;
esac
suffix=""
[[ "${RUNNER_OS}" == Windows ]] && suffix=.exe

directory="$(mktemp -d "${RUNNER_TEMP:?}/cancel-pending.XXXXXX")"
program="$directory/cancel-pending$suffix"
archive="cancel-pending-$version-$target.tar.gz"
checksum="$(awk -v name="$archive" '$2 == name { print $1 }' "$here/checksums.txt")"

if [[ -n "$checksum" ]]; then
  [[ "$checksum" =~ ^[0-9a-f]{64}$ ]] || fail "the checksum of $archive is not a SHA-256"
  server="${GITHUB_SERVER_URL:-https://github.com}"
  # Plain http is for a server on this machine alone: a test of this very script.
  protocol="=https"
  [[ "$server" =~ ^http://(127\.0\.0\.1|localhost)(:[0-9]+)?$ ]] && protocol="=http"
  url="$server/${GITHUB_ACTION_REPOSITORY:?}/releases/download/v$version/$archive"
  curl --proto "$protocol" --fail --silent --show-error --location --retry 3 --max-time 120 \
    --max-filesize 67108864 --output "$directory/$archive" -- "$url" || fail "$archive can't be downloaded"
  if command -v sha256sum >/dev/null; then
    actual="$(sha256sum "$directory/$archive" | cut -d ' ' -f 1)"
  else
    actual="$(shasum -a 256 "$directory/$archive" | cut -d ' ' -f 1)"
  fi
  [[ "$actual" == "$checksum" ]] || fail "$archive is not the one that was released: its SHA-256 is $actual"
  if command -v gh >/dev/null && [[ "$protocol" == "=https" && -n "${GH_TOKEN:-}" ]]; then
    gh attestation verify "$directory/$archive" --repo "$GITHUB_ACTION_REPOSITORY" >/dev/null ||
      fail "$archive has no attestation of its provenance"
  fi
  tar -xzf "$directory/$archive" -C "$directory" "cancel-pending$suffix" || fail "$archive can't be unpacked"
elif [[ -n "${CP_VERSION:-}" ]]; then
  fail "no checksum of $archive is committed in this version of the action"
elif command -v cargo >/dev/null; then
  echo "There is no release of this version: building it from source."
  target_directory="${CARGO_TARGET_DIR:-$source_directory/target}"
  CARGO_TARGET_DIR="$target_directory" cargo build --release --locked --manifest-path "$source_directory/Cargo.toml" ||
    fail "it can't be built from source"
  cp -- "$target_directory/release/cancel-pending$suffix" "$program"
else
  fail "there is neither a release of $version for $target nor a cargo to build it"
fi
chmod +x "$program"
"$program" --version || fail "the program does not run here"

{
  echo "program=$program"
  echo "directory=$directory"
} >>"$GITHUB_OUTPUT"
