# shellcheck shell=bash
#
# A Debian 13 in a directory, for what needs a later PostgreSQL than the machine has.
#
# debootstrap makes it, as root, from the mirror that the machine's own apt has: nothing
# of the machine changes, and it is gone with $work.  What runs in it has mounts and
# processes of its own, in namespaces that end with it however it ends, so that there is
# nothing to unmount and no server to stop.

# shellcheck source=script/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

debian13=               # the directory, which is root's; empty while there is none

# Why can there be none?  Nothing if there can.
why_no_debian13()
{
    if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
        echo "a Debian 13 needs root"
    elif ! command -v dpkg-query > /dev/null; then
        echo "a Debian 13 needs Debian's tools"
    fi
}

# The machine's mirrors of its own release, as its apt sees them, a line each
debian_mirrors()
{
    local release uri
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016 # apt's own variable
    apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' 'Origin: Debian' "Codename: $release" 'Component: main' | sort -u | while read -r uri; do
        case $uri in
            # cloud images have a file that names them
            mirror+file:*) sed -n 's/^\(https\{0,1\}:[^[:space:]]*\).*/\1/p' "${uri#mirror+file:}" ;;
            *) echo "$uri" ;;
        esac
    done
}

# The variables by which programs find a proxy, as NAME=VALUE; apt has a setting of its own
proxy_variables()
{
    local name proxy=
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    case $proxy in
        http*) export http_proxy="${http_proxy:-$proxy}" ;;
    esac
    for name in http_proxy https_proxy no_proxy; do
        [ -z "${!name:-}" ] || echo "$name=${!name}"
    done
}

# isolated COMMAND [ARGUMENT ...]: as root, with mounts and processes of its own; a
# container may not let us, and then without
isolated()
{
    local unshare=(unshare --mount --pid --fork)
    if as_root "${unshare[@]}" true 2> /dev/null; then
        as_root "${unshare[@]}" --kill-child=KILL "$@"
    else
        as_root "$@"
    fi
}

# Sets debian13; what it prints is a log
make_debian13()
{
    local mirrors mirror proxies
    mirrors=$(debian_mirrors) || return
    if [ -z "$mirrors" ]; then
        apt_get update || return
        mirrors=$(debian_mirrors) || return
    fi
    mapfile -t proxies < <(proxy_variables)
    debian13=$work/debian13
    # each once more, as a download can fail
    for mirror in $mirrors $mirrors; do
        as_root rm -rf --one-file-system "$debian13"
        if isolated env "${proxies[@]}" debootstrap --variant=minbase trixie "$debian13" "$mirror"; then
            configure_debian13
            return
        fi
        tail -n 5 "$debian13/debootstrap/debootstrap.log" 2> /dev/null || :
    done
    return 1
}

# Its apt reaches what the machine's does, in the same way, and wastes no time
configure_debian13()
{
    local file
    for file in /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates; do
        if [ -e "$file" ]; then
            as_root mkdir -p "$debian13${file%/*}" || return
            as_root cp -rLT "$file" "$debian13$file" || return
        fi
    done
    apt-config dump Acquire | grep -vE '^Acquire::(IndexTargets|Changelogs)' | write_as_root etc/apt/apt.conf.d/99machine ||
        return
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/lib/llvm-*/lib/*.a' | write_as_root etc/dpkg/dpkg.cfg.d/machine
}

# write_as_root FILE: what it reads, into that file of Debian 13
write_as_root()
{
    as_root tee "$debian13/$1" > /dev/null
}

# test_in_debian13 PUBLISHED SUITE ...: runs them there, from this checkout; PUBLISHED is
# the directory of AWS's published data, if there is one
test_in_debian13()
{
    local published=$1 variables options=()
    shift
    mapfile -t variables < <(proxy_variables)
    variables+=("CI=${CI:-}" APPCONFIG_SHARED=/published PATH=/usr/sbin:/usr/bin:/sbin:/bin)
    [ "$keep_work" = no ] || options=(--keep)
    as_root mkdir -p "$debian13/checkout" || return
    pack_source | as_root tar -C "$debian13/checkout" -x --no-same-owner || return
    [ ! -d "$published" ] || as_root cp -rT "$published" "$debian13/published" || return
    # the first process of its namespace knows that it has mounts of its own
    # shellcheck disable=SC2016 # the other shell's variables
    isolated sh -c '
        chmod 1777 "$0/dev/shm"
        [ $$ != 1 ] || { mount -t proc proc "$0/proc" && mount -t tmpfs -o mode=1777 shm "$0/dev/shm"; }
        exec chroot "$0" "$@"' "$debian13" env -i "${variables[@]}" /checkout/script/test "${options[@]}" "$@"
}
