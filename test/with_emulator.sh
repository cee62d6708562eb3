#!/bin/sh
#
# Runs a command with an emulator of AWS AppConfig beside it:
#
#     test/with_emulator.sh COMMAND [ARGUMENT ...] < TEST.sql
#
# pg_regress uses it as its launcher, so that each test has an emulator of its
# own.  The command finds the address in $APPCONFIG_ENDPOINT.  A line such as
#
#     -- emulator: --data nasty
#
# in the test gives the emulator those arguments instead of "--data standard".
# Nothing is printed unless something goes wrong: the output is compared.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/appconfig_fdw.XXXXXX")
emulator=

finish()
{
    if [ -n "$emulator" ]; then
        kill "$emulator" 2>/dev/null || :
        wait "$emulator" 2>/dev/null || :
    fi
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# the test is read once to look for that line, and then by the command
cat > "$scratch/test.sql"
arguments=$(sed -n 's/^-- emulator: *//p' "$scratch/test.sql")

# --parent-pid: it ends by itself if this script is killed
# shellcheck disable=SC2086 # several arguments are meant
"${PYTHON:-python3}" "$here/emulator/emulator.py" --port 0 \
    --ready-file "$scratch/ready" --parent-pid $$ \
    ${arguments:---data standard} \
    </dev/null >"$scratch/log" 2>&1 &
emulator=$!

tries=0
until [ -s "$scratch/ready" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 "$emulator" 2>/dev/null; then
        echo "$0: the emulator did not start" >&2
        cat "$scratch/log" >&2
        exit 1
    fi
    sleep 0.1
done
APPCONFIG_ENDPOINT=$(cat "$scratch/ready")
export APPCONFIG_ENDPOINT

# where tests find sql/setup.psql and test/emulator/ctl.py, whatever directory is built in
cd "$here/.."
"$@" < "$scratch/test.sql"
