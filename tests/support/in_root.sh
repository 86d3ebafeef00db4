#!/bin/sh
# A command in another root file system: unshare --mount --pid --fork in_root.sh ROOT PACKAGES COMMAND...
# PACKAGES is where apt keeps what it downloads; the variable HOSTS may name a file to be /etc/hosts there,
# BIND a folder of this machine that is there too.
set -e
root=$1 packages=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$packages/apt/partial"
mount --bind "$packages/apt" "$root/var/cache/apt/archives"
[ -z "$HOSTS" ] || mount --bind "$HOSTS" "$root/etc/hosts"
if [ -n "$BIND" ]; then
    mkdir -p "$root$BIND"
    mount --rbind "$BIND" "$root$BIND"
fi
unset HOSTS BIND
# Not as process 1: systemd's programs take themselves for the init system then, and write to the kernel's log.
chroot "$root" "$@"
