#!/bin/sh
# Make the test environment and pass all the tests; with arguments only some:
#
#     sh tests/run.sh [lint] [unit] [clients] [package] [oracle]
#
# lint     ruff, mypy --strict, the import contract, the manual pages
# unit     everything but the real clients, in parallel
# clients  curl, imaplib, imapclient, mbsync, neomutt and offlineimap against a real server,
#          replays of what Evolution, interimap, Mailspring and Horde send, trees that come from
#          Dovecot and go back there, and trees that come from Courier; as root also Postfix
# package  the Debian package, built, looked at by lintian, installed and used in a Debian 13; as
#          root, and not among the parts that are passed without arguments
# oracle   the tests of RFC 7162 against Dovecot 2.3, to see who differs where; not among the
#          parts that are passed without arguments
#
# The environment is .venv beside this folder, or $MAILDIRD_VENV. What is missing on the system
# (python3-venv, isync, neomutt, tmux, offlineimap3, curl, mandoc, dovecot-imapd, postfix, swaks) is
# installed by apt, if this may do so and no package has to go for it. Courier, which Debian doesn't
# install beside Dovecot, is unpacked into the environment.
set -eu
cd "$(dirname "$0")/.."

. packaging/environment.sh

parts=${*:-lint unit clients}
venv=${MAILDIRD_VENV:-.venv}
need_packages python3-venv:'python3 -c "import ensurepip"'
make_venv "$venv" '.[test,lint]'
PATH="$(cd "$venv" && pwd)/bin:$PATH"
export PATH

lint() {
    need_packages mandoc:'command -v mandoc' || :
    ruff check .
    ruff format --check .
    mypy
    lint-imports
    if [ -n "${CI:-}" ] || command -v mandoc >/dev/null; then
        mandoc -Tlint -Wwarning man/*.[158]
    fi
    for script in packaging/*.sh packaging/debian/p* tests/run.sh tests/package/*.sh \
        tests/package/steps/*.sh; do
        sh -n "$script"
    done
}

# The unit tests sync thousands of small files: they run in memory, where that can be had.
unit() (
    if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then
        TMPDIR=$(mktemp -d /dev/shm/maildird.XXXXXX)
        export TMPDIR
        trap 'rm -rf "$TMPDIR"' EXIT
    fi
    pytest --numprocesses 2 --ignore tests/clients tests
)

clients() {
    need_packages curl:'command -v curl' isync:'command -v mbsync' \
        neomutt:'command -v neomutt' tmux:'command -v tmux' \
        offlineimap3:'command -v offlineimap' dovecot-imapd:'command -v dovecot' \
        libsasl2-modules:'ls /usr/lib/*/sasl2/libplain.so' gsasl:'command -v gsasl' \
        swaks:'command -v swaks' libnet-ssleay-perl:'perl -MNet::SSLeay -e 1' || :
    [ "$(id -u)" != 0 ] || need_postfix || :
    unpack_courier "$venv/courier" || :
    COURIER="$venv/courier" pytest --numprocesses 2 --dist loadfile tests/clients
}

# Without a configuration of its own Postfix isn't started.
need_postfix() {
    [ ! -x /usr/sbin/postfix ] || return 0
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    need_packages postfix:false
}

# unpack_courier DIRECTORY: have Courier's imapd and its libraries there.
unpack_courier() {
    [ ! -x "$1/usr/bin/imapd" ] && command -v apt-get >/dev/null || return 0
    echo "unpacking courier-imap" >&2
    apt-cache show courier-imap >/dev/null 2>&1 || apt-get -q -q update >&2
    libraries=$(apt-cache depends courier-imap gamin |
        sed -n 's/^ *Depends: \(lib[^<>]*\)$/\1/p' | grep -v '^libc6$' | sort -u)
    mkdir -p "$1"
    # shellcheck disable=SC2086
    (cd "$1" && apt-get -q -q download courier-imap courier-authlib gamin libgamin0 $libraries)
    for package in "$1"/*.deb; do
        dpkg-deb --extract "$package" "$1"
        rm "$package"
    done
}

package() {
    sh tests/package/run.sh
}

oracle() {
    need_packages dovecot-imapd:'command -v dovecot' || :
    pytest -m dovecot tests/rfc7162
}

for part in $parts; do
    case $part in
        lint | unit | clients | package | oracle) "$part" ;;
        *)
            echo "tests/run.sh: no part $part; they are lint, unit, clients, package, oracle" >&2
            exit 2
            ;;
    esac
done
