# shellcheck shell=bash
#
# What script/demo and script/test share: progress, Debian packages, a copy of the
# checkout to build in, a PostgreSQL of their own, an emulator, and clearing up.
#
# Everything is in one directory, $work: the checkout stays as it is, nothing is
# installed into the system's PostgreSQL, and no existing cluster is asked, used or
# stopped.  The installation there is a copy of the system's: PostgreSQL finds its
# files relative to its programs, so that "make install DESTDIR=..." into a copy of
# them is enough to add an extension.

set -euo pipefail
shopt -s extglob

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=                   # the directory; empty before begin
pg_major=               # major version of PostgreSQL
pg_config=              # its pg_config, as installed
pg_bin=                 # programs of the copy
server_user=            # who runs the server, empty: we do
as_server_user=()       # a command's beginning that makes it theirs
emulator_pid=
cluster_conf=           # a file of the system that must be put back
keep_work=no            # leave all of it running
step=                   # what is being done
python=${PYTHON:-/usr/bin/python3}

# ------------------------------------------------------------------------
# Progress
# ------------------------------------------------------------------------

complain()
{
    echo "${0##*/}: $*" >&2
}

die()
{
    complain "$@"
    exit 1
}

# step WHAT COMMAND [ARGUMENT ...]: one line with the seconds that it took.  The
# command's output is shown only if it fails, and then by finish.
step()
{
    step=$1
    step_started=$SECONDS
    shift
    printf '%s ... ' "$step"
    "$@" > "$work/step.log" 2>&1 < /dev/null
    echo "$((SECONDS - step_started)) s"
    step=
}

show_failed_step()
{
    [ -n "$step" ] || return 0
    if [ "$1" -gt 128 ]; then
        echo "interrupted"
        return
    fi
    echo "failed after $((SECONDS - step_started)) s"
    tail -n 60 "$work/step.log" >&2
}

# ------------------------------------------------------------------------
# Begin and end
# ------------------------------------------------------------------------

begin()
{
    # a step's failure is told past the redirection of the step
    exec 3>&1 4>&2
    trap 'finish >&3 2>&4' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    umask 022
    # a socket's path has at most 107 bytes
    local parent=${TMPDIR:-/tmp}
    [ ${#parent} -le 60 ] || parent=/tmp
    work=$(mktemp -d "$parent/appconfig_fdw-$1.XXXXXX")
    mkdir "$work/home" "$work/socket" "$work/tmp"
    export TMPDIR=$work/tmp
    unset "${!PG@}"         # the caller's PGHOST and its like are not for this
    export LC_ALL=C.UTF-8
}

finish()
{
    local status=$?
    set +e
    trap '' HUP INT TERM
    show_failed_step $status
    restore_cluster_conf
    [ -n "$work" ] || exit $status
    if [ $keep_work = no ]; then
        stop_emulator
        stop_server
        # some of it can be root's
        rm -rf --one-file-system "$work" 2> /dev/null || as_root rm -rf --one-file-system "$work"
    fi
    exit $status
}

# ------------------------------------------------------------------------
# Debian packages
# ------------------------------------------------------------------------

# The PostgreSQL that PG_CONFIG names, or the release's own; sets pg_major
choose_postgres()
{
    local release=
    if [ -n "${PG_CONFIG:-}" ]; then
        pg_config=$(command -v "$PG_CONFIG") || die "there is no $PG_CONFIG"
        pg_major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
        return
    fi
    [ ! -r /etc/os-release ] || release=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}")
    case $release in
        debian-12) pg_major=15 ;;
        debian-13) pg_major=17 ;;
        *) die "this is not Debian 12 or 13: name a PostgreSQL by PG_CONFIG=/path/to/pg_config" ;;
    esac
    pg_config=/usr/lib/postgresql/$pg_major/bin/pg_config
}

# Debian's names for PostgreSQL with headers, unless PG_CONFIG brings its own
postgres_packages()
{
    [ -n "${PG_CONFIG:-}" ] || echo "postgresql-$pg_major postgresql-server-dev-$pg_major"
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# Those of the packages that are not installed
missing_packages()
{
    local package
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) in
            installed) ;;
            *) echo "$package" ;;
        esac
    done
}

# require_packages PACKAGE ...: installs those that are missing
require_packages()
{
    local missing
    if ! command -v dpkg-query > /dev/null; then
        echo "No Debian here: taking for granted what Debian has as $*"
        return
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    set -- $missing
    if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
        die "needs root for: apt-get install $*"
    fi
    echo "Installing Debian packages, which stay: $*"
    if ! apt-get install --simulate "$@" > /dev/null 2>&1; then
        step "Fetching the lists of packages" apt_get update
    fi
    step "Installing them and what they need" install_packages "$@"
}

apt_get()
{
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false "$@"
}

# A list that is too old names files that are gone: then once more with a new one
apt_install()
{
    apt_get install "$@" || { apt_get update && apt_get install "$@"; }
}

# Debian's server package makes a cluster and starts it, on the standard port: not for us
install_packages()
{
    local package server='' others=()
    for package in "$@"; do
        case $package in
            postgresql-[0-9]*) server=$package ;;
            *) others+=("$package") ;;
        esac
    done
    [ -z "$server" ] || others+=(postgresql-common)
    apt_install "${others[@]}"
    [ -n "$server" ] || return 0
    without_main_cluster apt_install "$server"
}

without_main_cluster()
{
    local conf=/etc/postgresql-common/createcluster.conf status=0
    [ -e "$conf" ] || { "$@"; return; }
    as_root cp -p "$conf" "$conf.appconfig_fdw"
    cluster_conf=$conf
    echo 'create_main_cluster = false' | as_root tee -a "$conf" > /dev/null
    "$@" || status=$?
    restore_cluster_conf
    return $status
}

restore_cluster_conf()
{
    [ -n "$cluster_conf" ] || return 0
    as_root mv "$cluster_conf.appconfig_fdw" "$cluster_conf"
    cluster_conf=
}

# ------------------------------------------------------------------------
# Building
# ------------------------------------------------------------------------

# The sources without anything that was built from them, as an archive
pack_source()
{
    tar -C "$top" -c --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude=__pycache__ \
        --exclude=./test/unit/build --exclude=./test/unit/build-sanitize --exclude=node_modules \
        --exclude=./results --exclude='./regression.*' --exclude=./tmp_check .
}

# They, in $work/source
copy_source()
{
    mkdir "$work/source"
    pack_source | tar -C "$work/source" -x --no-same-owner
}

make_source()
{
    make --silent -C "$work/source" PG_CONFIG="$pg_config" with_llvm=no "$@"
}

# What PG_CONFIG's programs need, in $work/root, and our extension
install_extension()
{
    local bin lib share include entry
    bin=$("$pg_config" --bindir) lib=$("$pg_config" --pkglibdir) share=$("$pg_config" --sharedir)
    mkdir -p "$work/root$bin" "$work/root$lib" "$work/root$share/extension"
    include=$("$pg_config" --includedir-server)
    mkdir -p "$work/root${include%/*}"
    ln -s "$include" "$work/root$include"
    # a program looks for its files beside the file that it is, so links would not do
    cp "$bin"/* "$work/root$bin/"
    for entry in "$lib"/* "$share"/* "$share"/extension/*; do
        case $entry in
            */bitcode | */extension | */appconfig_fdw*) ;;
            *) [ -e "$work/root$entry" ] || ln -s "$entry" "$work/root$entry" ;;
        esac
    done
    pg_bin=$work/root$bin
    make_source -j "$(nproc)" all
    make_source install DESTDIR="$work/root"
}

# ------------------------------------------------------------------------
# PostgreSQL
# ------------------------------------------------------------------------

# The server refuses to run as root, so then somebody else has it and $work
choose_server_user()
{
    [ "$(id -u)" = 0 ] || return 0
    server_user=postgres
    id -u postgres > /dev/null 2>&1 || server_user=nobody
    as_server_user=(setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups
        env HOME="$work/home" USER="$server_user" LOGNAME="$server_user")
    chown -R "$server_user:" "$work"
}

# start_server [SETTING ...]: a new cluster in $work/data, reached by its socket alone
start_server()
{
    "${as_server_user[@]}" "$pg_bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --no-locale --no-sync
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$work/socket'"
        echo "unix_socket_permissions = 0700"
        echo "fsync = off"
        echo "timezone = 'UTC'"
        printf '%s\n' "$@"
    } >> "$work/data/postgresql.conf"
    "${as_server_user[@]}" "$pg_bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w start 3>&- 4>&-
    export PGHOST=$work/socket PGUSER=postgres PGDATABASE=postgres
}

stop_server()
{
    if [ -n "$pg_bin" ] && [ -e "$work/data/postmaster.pid" ]; then
        "${as_server_user[@]}" "$pg_bin/pg_ctl" -D "$work/data" -m immediate -w stop > /dev/null 2>&1 || :
    fi
}

# ------------------------------------------------------------------------
# The emulator
# ------------------------------------------------------------------------

# start_emulator [ARGUMENT ...]: sets APPCONFIG_ENDPOINT.  With keep_work it outlives us.
start_emulator()
{
    local tries=0 parent=(--parent-pid $$)
    [ $keep_work = no ] || parent=()
    "${as_server_user[@]}" setsid "$python" "$work/source/test/emulator/emulator.py" --ready-file "$work/emulator.url" \
        "${parent[@]}" "$@" > "$work/emulator.log" 2>&1 < /dev/null 3>&- 4>&- &
    emulator_pid=$!
    until [ -s "$work/emulator.url" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 200 ] || ! kill -0 "$emulator_pid" 2> /dev/null; then
            complain "the emulator did not start"
            cat "$work/emulator.log"
            return 1
        fi
        sleep 0.1
    done
    APPCONFIG_ENDPOINT=$(cat "$work/emulator.url")
    export APPCONFIG_ENDPOINT
}

stop_emulator()
{
    if [ -n "$emulator_pid" ]; then
        kill "$emulator_pid" 2> /dev/null || :
        wait "$emulator_pid" 2> /dev/null || :
        emulator_pid=
    fi
}
