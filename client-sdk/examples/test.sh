#!/bin/bash
# Tests the examples of every language that is on this machine against one ledger, which is killed (kill -9) and
# started again in the middle of each. Needs the languages' package registries for what is not fetched yet.
#
#   client-sdk/examples/test.sh                 all of them
#   client-sdk/examples/test.sh python          only these
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)

# Starts the ledger of folder $1 on port $2 (0: any) and waits until it serves; its pid goes into $1/pid.
start() {
  : > "$1/serve.log"
  "$here/../../stockledger" serve --data "$1/data" --port "$2" --metrics-port 0 > "$1/serve.log" 2>&1 < /dev/null &
  echo $! > "$1/pid"
  disown # or the shell would tell of its kill
  until grep -q '^Serving:' "$1/serve.log"; do
    kill -0 "$!" 2> /dev/null || { cat "$1/serve.log" >&2; return 1; }
    sleep 0.1
  done
}

port_of() { sed -n 's/^Serving: .*127\.0\.0\.1:\([0-9]*\) .*/\1/p' "$1/serve.log"; }

# Ends the ledger of folder $1 by signal $2, and waits until it is gone.
end() {
  local pid
  pid=$(cat "$1/pid")
  kill "-$2" "$pid" 2> /dev/null
  while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}

# What each language's test calls in its middle.
if [ "${1:-}" = --restart ]; then
  port=$(port_of "$2")
  # Stopped for a while first, so that the kill meets calls that are under way and will never be answered.
  kill -STOP "$(cat "$2/pid")"
  sleep 2
  end "$2" KILL
  start "$2" "$port"
  exit
fi

present() {
  case $1 in
    python) python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ;;
    node) node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && npm --version ;;
    go) go version ;;
  esac > /dev/null 2>&1
}

[ $# -gt 0 ] || set -- python node go
for language in "$@"; do
  [ -x "$here/$language/test.sh" ] || { echo "there is no example in $language" >&2; exit 1; }
done

work=$(mktemp -d)
trap '[ ! -e "$work/pid" ] || end "$work" TERM; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexec "%s/test.sh" --restart "%s"\n' "$here" "$work" > "$work/restart"
chmod +x "$work/restart"

echo 'starting a ledger (where it is not built yet, that takes a minute or two)'
start "$work" 0 || exit 1
port=$(port_of "$work")

passed=0 failed=0 skipped=0
for language in "$@"; do
  if ! present "$language"; then
    echo "--- $language: not on this machine"
    skipped=$((skipped + 1))
    continue
  fi
  echo "--- $language"
  if STOCKLEDGER_RESTART=$work/restart "$here/$language/test.sh" "127.0.0.1:$port"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
