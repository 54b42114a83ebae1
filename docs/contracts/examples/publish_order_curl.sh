#!/usr/bin/env bash
# Publish an order with curl: publish_order_curl.sh PROJECT [ORDER.json]
#
# The token is that of `gcloud auth login`; any access token that may publish will do. With
# PUBSUB_EMULATOR_HOST set, the emulator is used and no token is needed.
set -euo pipefail
project=${1:?which project?}
order=${2:-$(dirname "$0")/order.created.v1.json}

if [ -n "${PUBSUB_EMULATOR_HOST:-}" ]; then
  service=http://$PUBSUB_EMULATOR_HOST
  headers=()
else
  service=https://pubsub.googleapis.com
  headers=(--header "Authorization: Bearer $(gcloud auth print-access-token)")
fi

# Pub/Sub's JSON carries the data in base64.
printf '{"messages":[{"data":"%s"}]}' "$(base64 <"$order" | tr -d '\n')" |
  curl --fail-with-body --silent --show-error --retry 3 --max-time 60 \
    "${headers[@]+"${headers[@]}"}" --header 'Content-Type: application/json' --data @- \
    "$service/v1/projects/$project/topics/order.created:publish"
