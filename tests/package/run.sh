#!/bin/sh
# Build the Debian package, have lintian look at it, install it in a Debian 13 and use it there:
#
#     sh tests/package/run.sh
#
# It needs root, and the right to mount; without them it is skipped, but not in CI. The two Debian
# systems (packaging/chroot.sh) are made at the first run, and take some 1.3 GB.
set -eu
cd "$(dirname "$0")/../.."

. packaging/environment.sh
. packaging/chroot.sh

if ! have_root tests/package; then
    [ -z "${CI:-}" ] || exit 1
    echo "skipped: the package is not tested" >&2
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"

# build SOURCE DIRECTORY: gives the name of the package; what the build said only when it fails.
build() {
    sh "$1/packaging/build-deb.sh" "$2" 2>"$work/log" || { cat "$work/log" >&2; return 1; }
}

deb=$(build . "$work")
# The version before, as far as upgrading goes: the same source with a lower version, and another
# word in the configuration, about which dpkg would ask.
mkdir "$work/older" "$work/older/source"
tar -c --exclude='__pycache__' CHANGELOG.md LICENSE README.md config maildird man packaging \
    pyproject.toml | tar -x -C "$work/older/source"
(
    cd "$work/older/source"
    sed -i 's/^__version__ = .*/__version__ = "0.0.1"/' maildird/__init__.py
    sed -i '1s/(.*)/(0.0.1)/' packaging/debian/changelog
    sed -i '1s/.*/# Configuration of maildird 0.0.1./' config/maildird.toml
)
build "$work/older/source" "$work/older" >/dev/null

in_chroot build "$work" sh -c \
    'runuser -u nobody -- lintian -I --pedantic /shared/*.changes' >"$work/lintian"
if [ -s "$work/lintian" ]; then
    cat "$work/lintian" >&2
    exit 1
fi

depends=$(dpkg-deb --field "$deb" Depends | tr ',' '\n' | sed 's/[|(:].*//' | tr '\n' ' ')
make_chroot test "curl isync libnet-ssleay-perl libsasl2-modules openssl postfix swaks systemd" \
    "$depends"
cp -r tests/package "$work/tests"
in_chroot test "$work" sh /shared/tests/inside.sh
