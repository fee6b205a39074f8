#!/bin/sh
# Build maildird_<version>_all.deb for Debian 13, out of nothing but packages of Debian 13:
#
#     sh packaging/build-deb.sh [DIRECTORY]
#
# It lands in DIRECTORY, by default dist/ beside this folder. As root on any Debian or Ubuntu: the
# build runs without network in a Debian 13 that is made for it in ~/.cache/maildird, or in
# $MAILDIRD_CHROOT.
set -eu
target=${1:-"$(dirname "$0")/../dist"}
mkdir -p "$target"
target="$(cd "$target" && pwd)"
cd "$(dirname "$0")/.."

. packaging/environment.sh
. packaging/chroot.sh

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' maildird/__init__.py)
if ! head -n 1 packaging/debian/changelog | grep -qF "maildird ($version) "; then
    echo "build-deb: packaging/debian/changelog does not begin with version $version" >&2
    exit 1
fi
have_root build-deb
make_chroot build "build-essential debhelper dh-python lintian pybuild-plugin-pyproject python3-all
    python3-setuptools"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
tar -c --exclude='__pycache__' --exclude='.*' CHANGELOG.md LICENSE README.md config maildird man \
    packaging pyproject.toml | tar -x -C "$work/source"
mv "$work/source/packaging/debian" "$work/source/debian"
in_chroot build "$work" sh -euc '
    cd /shared/source
    dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo
' >&2
mv "$work"/maildird_* "$target"
echo "$target/maildird_${version}_all.deb"
