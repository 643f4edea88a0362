#!/bin/sh
# Generates the stubs, and tests both examples against the ledger at HOST:PORT.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 HOST:PORT" >&2; exit 1; }
cd "$(dirname "$0")"
./generate.sh
STOCKLEDGER=$1 exec .venv/bin/python -m unittest --verbose
