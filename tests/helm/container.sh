#!/bin/bash
# Runs a command as a container runtime would: in a file system of its own that is read-only, as a user without any
# capability. Shares the network, so that tests reach it. Needs root.
#
#   unshare --mount container.sh ROOT USER GROUP FROM:TO... -- COMMAND...
#
# ROOT is an empty folder; each FROM appears in it as TO, beside the machine's own programs and libraries.
set -euo pipefail

root=$1 user=$2 group=$3
shift 3
mount -t tmpfs -o mode=755 tmpfs "$root"

bring() {
    if [ -d "$1" ]; then
        mkdir -p "$root$2"
    else
        mkdir -p "$(dirname "$root$2")" && touch "$root$2"
    fi
    mount --bind "$1" "$root$2"
}

for own in /usr /lib /lib64 /bin /etc/ld.so.cache /etc/hosts /etc/nsswitch.conf /proc /dev/null /dev/urandom; do
    [ -e "$own" ] && bring "$own" "$own"
done
while [ "$1" != -- ]; do
    bring "${1%%:*}" "${1#*:}"
    mount -o remount,bind,ro "$root${1#*:}"
    shift
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all "$@"
