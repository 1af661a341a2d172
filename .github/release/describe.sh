#!/usr/bin/env bash
# describe.sh VERSION DIRECTORY: lists what is in the program, and builds the crate as it will be
# published, both from the commit of the tag. It runs code of others, so it is given no token.
set -euo pipefail

version="$1"
directory="$2"
[[ "$(git rev-parse HEAD)" == "$(git rev-parse "v$version^{commit}")" ]]
cargo cyclonedx --format json --override-filename cancel-pending.cdx
mv -- cancel-pending.cdx.json "$directory/cancel-pending-$version.cdx.json"
cargo package --locked
