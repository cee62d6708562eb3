#!/bin/sh
# Reads the emulator with AWS's own JavaScript client and compares everything with the data set.
#
# The client is installed from npm, in the versions of package-lock.json, into SDK_BUILD_DIR, by default
# a directory of the user's under TMPDIR that later runs use again; nothing is written to the source
# tree.  Prints "N passed, N failed" on the last line and fails if any failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${SDK_BUILD_DIR:-${TMPDIR:-/tmp}/appconfig-emulator-sdk-$(id -u)}

mkdir -p "$build"
if ! cmp -s "$here/package-lock.json" "$build/package-lock.json" || [ ! -f "$build/installed" ]; then
    rm -f "$build/installed"
    cp "$here/package.json" "$here/package-lock.json" "$build/"
    (cd "$build" && npm ci --no-audit --no-fund --loglevel=error >&2)
    touch "$build/installed"
fi
# Modules are looked up from where the importing file is, so the check runs beside them.
cp "$here/check_sdk.mjs" "$build/"

work=$(mktemp -d)
emulator=
trap 'if [ -n "$emulator" ]; then kill "$emulator"; fi; rm -rf "$work"' EXIT
"$here/emulator.py" --data nasty --dump >"$work/dump.json"
"$here/emulator.py" --data nasty --ready-file "$work/ready" --parent-pid $$ >/dev/null &
emulator=$!
tries=0
while [ ! -f "$work/ready" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || { echo "check_sdk.sh: the emulator did not start" >&2; exit 1; }
    sleep 0.1
done
node "$build/check_sdk.mjs" "$(cat "$work/ready")" "$work/dump.json"
