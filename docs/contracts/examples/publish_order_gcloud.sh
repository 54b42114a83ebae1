#!/usr/bin/env bash
# Publish an order with the gcloud CLI: publish_order_gcloud.sh PROJECT [ORDER.json]
#
# With PUBSUB_EMULATOR_HOST set, the emulator is used and no credentials are needed.
set -euo pipefail
project=${1:?which project?}
order=${2:-$(dirname "$0")/order.created.v1.json}

if [ -n "${PUBSUB_EMULATOR_HOST:-}" ]; then
  export CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=http://$PUBSUB_EMULATOR_HOST/
  export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true
fi

gcloud pubsub topics publish order.created --project "$project" --message "$(cat "$order")"
