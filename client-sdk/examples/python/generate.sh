#!/bin/sh
# Makes .venv and, from the contract, the package `stockledger` in it: run it again when the contract has changed.
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
# Into site-packages, so that `import stockledger.v1...` finds them from everywhere, as if they had been installed.
# There, googleapis-common-protos has also put google/rpc/status.proto, which the contract imports.
stubs=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
.venv/bin/python -m grpc_tools.protoc -I ../../../proto -I "$stubs" \
  --python_out="$stubs" --pyi_out="$stubs" --grpc_python_out="$stubs" ../../../proto/stockledger/v1/*.proto
