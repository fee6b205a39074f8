#!/bin/sh
# Serve a Maildir from this checkout on 127.0.0.1:1143:
#
#     sh packaging/quickstart.sh [MAILDIR]
#
# Without a MAILDIR it makes a small sample tree and serves that. What is missing on the system is
# installed by apt (python3-venv; curl, to try it), the rest goes to .venv beside this folder, or $MAILDIRD_VENV.
set -eu
maildir=${1:-}
if [ -n "$maildir" ] && [ ! -d "$maildir" ]; then
    echo "quickstart: there is no directory $maildir; name a Maildir that exists" >&2
    exit 2
fi
[ -z "$maildir" ] || maildir="$(cd "$maildir" && pwd)"
cd "$(dirname "$0")/.."

. packaging/environment.sh

need_packages python3-venv:'python3 -c "import ensurepip"'
need_packages curl:'command -v curl' || :
venv=${MAILDIRD_VENV:-.venv}
[ -x "$venv/bin/maildird" ] || make_venv "$venv" .

if [ -z "$maildir" ]; then
    maildir="${XDG_DATA_HOME:-$HOME/.local/share}/maildird/sample"
    "$venv/bin/python" packaging/sample_tree.py "$maildir"
fi

user=$(id -un)
if [ -z "${MAILDIRD_PASSWORD:-}" ]; then
    MAILDIRD_PASSWORD=$("$venv/bin/python" -c 'import secrets; print(secrets.token_hex(6))')
fi
export MAILDIRD_PASSWORD
cat <<EOF
maildir:  $maildir
user:     $user
password: $MAILDIRD_PASSWORD
try it:   curl --user '$user:$MAILDIRD_PASSWORD' 'imap://127.0.0.1:1143/INBOX;UID=1'
stop it:  Ctrl-C
EOF
exec "$venv/bin/maildird" serve "$maildir" --listen 127.0.0.1:1143 --user "$user"
