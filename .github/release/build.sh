#!/usr/bin/env bash
# build.sh VERSION TARGET DIRECTORY: builds the program for one system, and packs it with what
# belongs to it.
set -euo pipefail
here="$(cd -- "$(dirname -- "$0")" && pwd)"
version="$1"
target="$2"
mkdir -p -- "$3"
out="$(cd -- "$3" && pwd)"

suffix=""
[[ "$target" != *windows* ]] || suffix=.exe
# Runners have no assembler for Windows: aws-lc-sys brings the objects that it would make.
export AWS_LC_SYS_PREBUILT_NASM=1
cargo build --profile dist --locked --target "$target"
built="${CARGO_TARGET_DIR:-target}/$target/dist/cancel-pending$suffix"

archive="cancel-pending-$version-$target.tar.gz"
content="$(mktemp -d)"
# Not from within: Windows keeps a directory that is somebody's working directory.
trap 'cd -- "$out" && rm -rf -- "$content"' EXIT
mkdir "$content/completions"
cp -- "$built" LICENSE-MIT LICENSE-APACHE README.md "$content/"
for shell in bash zsh fish powershell elvish; do
  "$built" completions "$shell" >"$content/completions/cancel-pending.$shell"
done
"$built" man "$content/man"
"$here/notices.sh" "$target" >"$content/THIRD-PARTY-NOTICES.txt"

# All names are relative: tar takes what stands before a colon for the name of a host.
cd -- "$content"
tar -czf "$archive" -- "cancel-pending$suffix" LICENSE-MIT LICENSE-APACHE README.md THIRD-PARTY-NOTICES.txt completions man
mv -- "$archive" "$out/"
