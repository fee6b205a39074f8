# While the service runs: every step of steps/, in turn, with what they share.
set -eu
user=ada@example.org
password=secret
certificate=/etc/maildird/certificate.pem
maildir=/var/mail/vhosts/example.org/ada

# deliver HEADER TEXT: as a delivery agent with the user of the mail does it.
deliver() {
    number=$((${number:-0} + 1))
    name="$(date +%s).P$$Q$number.package"
    # shellcheck disable=SC2016
    printf '%s\n\n%s\n' "$1" "$2" | runuser -u maildird -- sh -c \
        'cat > "$1/tmp/$2" && mv "$1/tmp/$2" "$1/new/$2"' sh "$maildir" "$name"
}

# eventually COMMAND: until it succeeds, for at most a minute.
eventually() {
    deadline=$(($(date +%s) + 60))
    until sh -c "$1" 2>/dev/null; do
        if [ "$(date +%s)" -gt "$deadline" ]; then
            echo "never true: $1" >&2
            return 1
        fi
        sleep 0.2
    done
}

cd "$(dirname "$0")"
for step in steps/*.sh; do
    echo "== $step"
    # shellcheck disable=SC1090
    . "./$step"
done
