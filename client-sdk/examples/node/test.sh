#!/bin/sh
# Generates the stubs, and tests both examples against the ledger at HOST:PORT.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 HOST:PORT" >&2; exit 1; }
cd "$(dirname "$0")"
npm ci --no-audit --no-fund # and, by its `prepare`, npm run generate
STOCKLEDGER=$1 exec npm test
