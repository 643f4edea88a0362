#!/bin/sh
# Generates the stubs, and tests both examples against the ledger at HOST:PORT.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 HOST:PORT" >&2; exit 1; }
cd "$(dirname "$0")"
go generate ./...
go vet ./...
STOCKLEDGER=$1 exec go test -count=1 -v .
