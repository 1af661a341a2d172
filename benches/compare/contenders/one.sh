#!/usr/bin/env bash
# What runs on one offer, by curl and jq: `publisher offer` as arguments, one line out.
set -euo pipefail
publisher=$1 offer=$2
get() {
  curl --silent --show-error --fail -H "Authorization: Bearer $TOKEN" -H 'Accept: application/json' \
    "$PORTAL/api/publishers/$publisher/offers/$offer/$1api-version=2017-10-31"
}
id=$(get 'submissions/?status=running&' | jq -r '.[0].id // empty')
if [[ -z $id ]]; then
  echo "nothing"
else
  get "operations/$id?" | jq -r '"running " + .cancellationRequestState'
fi
