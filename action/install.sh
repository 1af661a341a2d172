#!/usr/bin/env bash
# Puts the program where the next steps find it: the one that the workflow names, or the binary of a
# release, checked against the checksum that is committed beside this file, or one built from the
# action's own source where there is no release. Whatever is missing or wrong ends here, before
# anything runs.
set -euo pipefail
here="$(cd -- "$(dirname -- "$0")" && pwd)"
# shellcheck source=action/inputs.sh
source "$here/inputs.sh"
root="$(dirname -- "$here")"

give_up() {
  fail "cancel-pending can't be installed: $1"
}

# need PROGRAM...: one of these must be there.
need() {
  local program
  for program in "$@"; do
    ! command -v "$program" >/dev/null || return 0
  done
  give_up "it needs $1${2:+ or $2}, which is not on this runner"
}

one binary "${CP_BINARY:-}"
binary="$REPLY"
one version "${CP_VERSION:-}"
asked="${REPLY#v}"
one release-url "${CP_RELEASE_URL:-}"
release_url="${REPLY%/}"

suffix=""
[[ "${RUNNER_OS:-}" != Windows ]] || suffix=.exe
need mktemp
directory="$(mktemp -d "${RUNNER_TEMP:?}/cancel-pending.XXXXXX")"

finish() {
  "$2" --version || give_up "the program does not run here"
  {
    echo "program=$1"
    echo "directory=$directory"
  } >>"$GITHUB_OUTPUT"
  exit 0
}

if [[ -n "$binary" ]]; then
  [[ -z "$asked" && -z "$release_url" ]] || give_up "the input \`binary\` excludes \`version\` and \`release-url\`"
  [[ -f "$binary" ]] || give_up "the input \`binary\` names no file"
  program="$(cd -- "$(dirname -- "$binary")" && pwd)/$(basename -- "$binary")"
  finish "$program" "$program"
fi

version="$asked"
if [[ -z "$version" ]]; then
  while IFS= read -r line; do
    if [[ -z "$version" && "$line" =~ ^version\ =\ \"([^\"]*)\" ]]; then
      version="${BASH_REMATCH[1]}"
    fi
  done <"$root/Cargo.toml"
fi
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || give_up "the version is not like 1.2.3"

case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  *) give_up "there is none for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this processor}" ;;
esac

archive="cancel-pending-$version-$target.tar.gz"
checksum=""
while read -r sum name; do
  [[ "$name" != "$archive" ]] || checksum="$sum"
done <"$here/checksums.txt"

# Under a name of our own: the runner empties GITHUB_ACTION_REPOSITORY in the steps of a composite
# action. It is also empty where the action is a directory of the workflow's own repository.
repository="${CP_ACTION_REPOSITORY:-}"
server="${GITHUB_SERVER_URL:-https://github.com}"
if [[ -z "$release_url" && -n "$repository" ]]; then
  release_url="$server/$repository/releases/download/v$version"
  # What was attested there can be asked of github.com alone.
  attested="$server"
fi

# From here on all names are relative. On Windows the directory is like `D:\a\_temp`, from which
# sha256sum makes an escaped name and tar the name of a host.
cd -- "$directory"
if [[ -n "$checksum" && -n "$release_url" ]]; then
  [[ "$checksum" =~ ^[0-9a-f]{64}$ ]] || give_up "the checksum of $archive is not a SHA-256"
  need curl
  need tar
  need gzip
  need sha256sum shasum
  # Plain http is for a server on this machine alone: a test of this very script.
  protocol="=https"
  [[ ! "$release_url" =~ ^http://(127\.0\.0\.1|localhost)(:[0-9]+)?/ ]] || protocol="=http"
  curl --proto "$protocol" --fail --silent --show-error --location --globoff --retry 3 --max-time 120 \
    --max-filesize 67108864 --output "$archive" -- "$release_url/$archive" ||
    give_up "$archive can't be downloaded. Where its release is on another server, the input \`release-url\` says where, and \`binary\` takes a program that is there already"
  # From standard input, so that the name is no part of the answer.
  if command -v sha256sum >/dev/null; then
    actual="$(sha256sum <"$archive")"
  else
    actual="$(shasum -a 256 <"$archive")"
  fi
  actual="${actual%% *}"
  [[ "$actual" == "$checksum" ]] || give_up "$archive is not the one that was released: its SHA-256 is $actual"
  if [[ "${attested:-}" != https://github.com ]]; then
    echo "The checksum is right. The provenance is not looked up: the archive is not from github.com."
  elif ! command -v gh >/dev/null || [[ -z "${GH_TOKEN:-}" ]]; then
    echo "The checksum is right. The provenance is not looked up: that takes gh and a token."
  elif ! gh attestation verify --help >/dev/null 2>&1; then
    echo "The checksum is right. The provenance is not looked up: this gh has no \`attestation\`, which came with 2.49."
  else
    gh attestation verify "$archive" --repo "$repository" >/dev/null ||
      give_up "gh can't verify the provenance of $archive"
  fi
  tar -xzf "$archive" "cancel-pending$suffix" || give_up "$archive can't be unpacked"
  chmod +x "cancel-pending$suffix"
  finish "$directory/cancel-pending$suffix" "./cancel-pending$suffix"
fi

if [[ -n "$asked" ]]; then
  [[ -n "$checksum" ]] || give_up "no checksum of $archive is committed in this version of the action"
  give_up "where the release is can't be told for an action from a local directory; the input \`release-url\` says it"
fi
command -v cargo >/dev/null || give_up "there is no release of $version for $target, and no cargo to build it"
known="${repository:-a local directory}"
[[ -z "$repository" || -z "${CP_ACTION_REF:-}" ]] || known+="@$CP_ACTION_REF"
echo "The action in $known names no release of $version for $target: building it from source."
# In the action's own directory: cargo and rustup go by the files of the directory that they are
# started in, which would be the workflow's own repository. Nor may its variables change what is built.
output="$(native_directory)"
(
  cd -- "$root"
  unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS
  # Runners have no assembler for Windows: aws-lc-sys brings the objects that it would make.
  export AWS_LC_SYS_PREBUILT_NASM=1
  cargo install --locked --no-track --path . --root "$output"
) || give_up "it can't be built from source"
finish "$directory/bin/cancel-pending$suffix" "./bin/cancel-pending$suffix"
