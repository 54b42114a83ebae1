#!/usr/bin/env bash
# Deploys the order pipeline to Google Cloud. docs/deploying.md goes through it step by step.
#
#   ./deploy.sh [--env-file FILE] [--dry-run] [--only FUNCTION]...
#       makes everything that is missing, changes what is different, leaves the rest alone; safe to
#       run again at any time. --dry-run only shows the commands. --only deploys these functions
#       and what hangs on them, after the shared things.
#   ./deploy.sh doctor [--env-file FILE]      checks one by one that the live parts work
#   ./deploy.sh grants                        shows who may do what, and why
#   ./deploy.sh rotate LINKS_SECRETS|VAULT_KEYS [--leaked] [--env-file FILE]
#       makes a new key of our own; with --leaked the earlier ones hold no more
#   ./deploy.sh teardown [--env-file FILE] [--with-data]    deletes what was deployed
#   ./deploy.sh stage [--only FUNCTION]... [--to DIRECTORY]
#       writes the folders that are deployed: a small main.py, the function and shared/ with their
#       templates compiled, and the lock of its packages as requirements.txt
#
# FILE, production.env by default, is deploy/example.env filled in. PYTHON names another Python than
# the one of .venv, which is set up at the first run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$root/deploy.sh"; }

stage() {
  local functions=() to=.stage main name
  while [ $# -gt 0 ]; do
    case "$1" in
      --only) functions+=("${2:?--only needs the name of a function}"); shift 2 ;;
      --to) to="${2:?--to needs a directory}"; shift 2 ;;
      *) echo "deploy.sh stage: unknown argument $1 (see --help)" >&2; exit 2 ;;
    esac
  done
  if [ ${#functions[@]} -eq 0 ]; then
    for main in "$root"/functions/*/main.py; do
      functions+=("$(basename "$(dirname "$main")")")
    done
  fi
  for name in "${functions[@]}"; do
    PYTHONPATH="$root" "$PYTHON" -m local.staging "$name" "$to/$name"
    echo "staged $to/$name"
  done
}

# The Python of .venv, set up first if need be.
find_python() {
  if [ -z "${PYTHON:-}" ]; then
    make --silent --directory="$root" .venv/.ready
    PYTHON="$root/.venv/bin/python"
  fi
}

case "${1:-}" in
  -h|--help) usage; exit 0 ;;
  stage) shift; find_python; stage "$@"; exit 0 ;;
  deploy|doctor|grants|rotate|teardown) command="$1"; shift ;;
  ''|-*) command=deploy ;;
  *) echo "deploy.sh: unknown command $1 (see --help)" >&2; exit 2 ;;
esac

find_python
PYTHONPATH="$root" exec "$PYTHON" -P -m deploy "$command" "$@"
