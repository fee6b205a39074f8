# Shell functions for Debian 13 in a directory: made once by debootstrap, used in copies that are
# thrown away. They need root, and make what they need below $chroots.

chroots=${MAILDIRD_CHROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/maildird/trixie}

# have_root PROGRAM: whether this is root and may mount; otherwise say so for the PROGRAM.
have_root() {
    [ "$(id -u)" = 0 ] && unshare --mount --net true 2>/dev/null && return 0
    echo "$1: this needs root, and the right to mount and to make namespaces" >&2
    return 1
}

# make_chroot NAME PACKAGES [DOWNLOADS]: $chroots/NAME with PACKAGES installed, and DOWNLOADS (with
# all they depend on) ready to be installed without network. It is made anew when these have changed
# and after 30 days.
make_chroot() {
    need_packages debootstrap:'command -v debootstrap' iproute2:'command -v ip' \
        debian-archive-keyring:'ls /usr/share/keyrings/debian-archive-keyring.gpg'
    mkdir -p "$chroots"
    (
        flock 9
        _make_base
        _make_layer "$@"
    ) 9>"$chroots/lock"
}

_make_base() {
    ! _is_fresh base trixie || return 0
    echo "making a Debian 13 in $chroots" >&2
    rm -rf --one-file-system "$chroots/base"
    debootstrap --variant=minbase trixie "$chroots/base" http://deb.debian.org/debian >&2
    # What is lost with the power is made again.
    echo force-unsafe-io > "$chroots/base/etc/dpkg/dpkg.cfg.d/unsafe-io"
    # No daemon of a package may start.
    printf '#!/bin/sh\nexit 101\n' > "$chroots/base/usr/sbin/policy-rc.d"
    chmod +x "$chroots/base/usr/sbin/policy-rc.d"
    echo trixie > "$chroots/base/.made-from"
}

_make_layer() {
    if _is_fresh "$1" "$*" && [ "$chroots/$1" -nt "$chroots/base" ]; then
        return 0
    fi
    echo "installing into $chroots/$1: $2" >&2
    rm -rf --one-file-system "${chroots:?}/$1"
    cp -a "$chroots/base" "$chroots/$1"
    # shellcheck disable=SC2016
    unshare --mount sh -euc '
        mount -t proc proc "$1/proc"
        get="chroot $1 env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends"
        chroot "$1" apt-get -q update
        $get install $2
        [ -z "$3" ] || $get install --download-only $3
    ' sh "$chroots/$1" "$2" "${3:-}" >&2
    echo "$*" > "$chroots/$1/.made-from"
    touch "$chroots/$1"
}

# _is_fresh NAME MADE_FROM
_is_fresh() {
    [ "$(cat "$chroots/$1/.made-from" 2>/dev/null)" = "$2" ] &&
        [ -n "$(find "$chroots/$1/.made-from" -mtime -30)" ]
}

# in_chroot NAME DIRECTORY COMMAND...: run a command in a copy of $chroots/NAME that lives in
# memory, with DIRECTORY as /shared. It has a network of its own, with the loopback interface alone,
# and all its processes end with it.
in_chroot() (
    scratch=$(mktemp -d)
    trap 'rmdir "$scratch"' EXIT
    lower="$chroots/$1"
    shared=$2
    shift 2
    # shellcheck disable=SC2016
    unshare --mount --net --pid --fork --kill-child sh -euc '
        scratch=$1 lower=$2 shared=$3
        shift 3
        mount -t tmpfs tmpfs "$scratch"
        mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
        mount -t overlay -o "lowerdir=$lower,upperdir=$scratch/upper,workdir=$scratch/work" \
            overlay "$scratch/root"
        mkdir "$scratch/root/shared"
        mount --bind "$shared" "$scratch/root/shared"
        mount -t proc proc "$scratch/root/proc"
        ip link set lo up
        exec chroot "$scratch/root" env -i HOME=/root LANG=C.UTF-8 \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin "$@"
    ' sh "$scratch" "$lower" "$shared" "$@"
)
