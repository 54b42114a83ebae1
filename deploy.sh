#!/usr/bin/env bash
# Stages the functions: writes the folder that is deployed for each of them.
#
#   ./deploy.sh [--only FUNCTION]... [--to DIRECTORY]
#
# Each folder holds a one-line main.py, the function, shared/ and requirements.txt; it is what
# `gcloud run deploy --source` takes, and what the local world serves. Creating the cloud's
# resources is not part of this script yet.
set -euo pipefail
cd "$(dirname "$0")"

functions=()
destination=.stage

while [ $# -gt 0 ]; do
  case "$1" in
    --only) functions+=("${2:?--only needs the name of a function}"); shift 2 ;;
    --to) destination="${2:?--to needs a directory}"; shift 2 ;;
    -h|--help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "deploy.sh: unknown argument $1 (see --help)" >&2; exit 2 ;;
  esac
done

if [ ${#functions[@]} -eq 0 ]; then
  for main in functions/*/main.py; do
    functions+=("$(basename "$(dirname "$main")")")
  done
fi

for name in "${functions[@]}"; do
  python3 -m local.staging "$name" "$destination/$name"
  echo "staged $destination/$name"
done
