# In a throw-away Debian 13, with the package in /shared: install an older version, configure, use,
# upgrade, use, remove, purge. It runs as root.
set -eu
here=/shared/tests
package=$(ls /shared/maildird_*_all.deb)
older=$(ls /shared/older/maildird_*_all.deb)
configuration=/etc/maildird/maildird.toml
mail=/var/mail/vhosts/example.org/ada
state=/var/lib/maildird

say() { echo "== $*"; }

# expect WHAT COMMAND...: the command has to succeed.
expect() {
    what=$1
    shift
    "$@" || { echo "not so: $what" >&2; exit 1; }
}

# apt ARGUMENT...: quietly, unless it fails; no question is asked, and settings stay as they are.
apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" \
        >/tmp/apt.log 2>&1 || { cat /tmp/apt.log >&2; exit 1; }
}

# A service manager that writes down what it is told, and says that everything runs.
pretend_systemd() {
    mkdir -p /run/systemd/system
    printf '#!/bin/sh\necho "$*" >> /run/systemctl.log\n' > /usr/bin/systemctl
    printf '#!/bin/sh\nexit 0\n' > /usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
}

configure() {
    openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost \
        -keyout /etc/maildird/key.pem -out /etc/maildird/certificate.pem
    chgrp maildird /etc/maildird/key.pem
    chmod 0640 /etc/maildird/key.pem
    sed -i 's/^#log_level = .*/log_level = "debug"/' "$configuration"
    cat >> "$configuration" <<END

[[certificates]]
certificate = "/etc/maildird/certificate.pem"
key = "/etc/maildird/key.pem"
[mail]
location = "/var/mail/vhosts/{domain}/{local}"
[sasl]
socket = "/var/spool/postfix/maildird/auth"
[[accounts]]
name = "ada@example.org"
password = "secret"
END
    install -d -o maildird -g maildird -m 0700 /var/mail/vhosts /var/mail/vhosts/example.org \
        "$mail" "$mail/cur" "$mail/new" "$mail/tmp"
    install -d -o maildird -g postfix -m 2750 /var/spool/postfix/maildird
}

# Everything there is to know of the mail: places, inodes, owners, times, octets.
mail_as_it_is() {
    find "$mail" -printf '%P %y %i %U:%G %m %s %T@\n' | sort
    find "$mail" -type f -exec sha256sum {} + | sort
}

uidvalidity() {
    sed -n '1s/.* V\([0-9]*\) .*/\1/p' "$mail/dovecot-uidlist"
}

say install
pretend_systemd
apt install "$older"
expect "the user's home is the state directory" \
    [ "$(getent passwd maildird | cut -d: -f6)" = "$state" ]
expect "the state is the service's own" [ "$(stat -c %U:%a "$state")" = maildird:700 ]
expect "the configuration is readable for the service alone" \
    [ "$(stat -c %U:%G:%a "$configuration")" = root:maildird:640 ]
expect "nothing is started that nobody configured" \
    [ -z "$(grep -E 'start .*maildird' /run/systemctl.log)" ]
status=0
complaint=$(runuser -u maildird -- maildird serve --config "$configuration" 2>&1) || status=$?
expect "unconfigured it says what is missing: $complaint" \
    [ "$status ${complaint%%.toml: *}" = "2 maildird: ${configuration%.toml}" ]

say units
cd /usr/lib/systemd/system
problems=$(systemd-analyze verify --man=no maildird.service maildird.socket 2>&1) || :
expect "the units are sound: $problems" [ -z "$problems" ]
# The exposure counts in tenths here.
expect "the service is exposed by less than 2.0" systemd-analyze security --offline=true \
    --no-pager --threshold=19 maildird.service > /tmp/exposure
tail -n 1 /tmp/exposure
cd /

say use
configure
python3 "$here/as_unit.py" maildird sh "$here/with_service.sh"
before=$(uidvalidity)
expect "the older version was used" [ "$(maildird --version)" = "maildird 0.0.1" ]

say upgrade
: > /run/systemctl.log
cp "$configuration" /tmp/configuration
echo '# of this machine' >> /etc/pam.d/maildird
cp /etc/pam.d/maildird /tmp/pam
mail_as_it_is > /tmp/mail
expect "there is mail" grep -q '^new/\|^cur/' /tmp/mail
cp -a "$state" /tmp/state
apt install "$package"
expect "it is an upgrade" [ "$(maildird --version)" != "maildird 0.0.1" ]
mail_as_it_is | expect "mail is untouched" cmp - /tmp/mail
expect "settings are kept" cmp "$configuration" /tmp/configuration
expect "those for PAM, too" cmp /etc/pam.d/maildird /tmp/pam
expect "the new configuration lies beside them" [ -e "$configuration.dpkg-dist" ]
expect "the mode is kept" [ "$(stat -c %U:%G:%a "$configuration")" = root:maildird:640 ]
expect "the state is kept" diff -r "$state" /tmp/state
expect "the service is restarted if it runs" \
    grep -qx '.*try-restart .*maildird.service' /run/systemctl.log
expect "the ports stay open" \
    [ -z "$(grep -E '(stop|start).*maildird\.socket' /run/systemctl.log)" ]
python3 "$here/as_unit.py" maildird curl --silent --show-error --user ada@example.org:secret \
    'imap://localhost/INBOX;UID=2' > /tmp/second
expect "what had UID 2 still has it" grep -q 'Subject: second' /tmp/second
expect "UIDs hold on" [ "$(uidvalidity)" = "${before:-none}" ]

say remove
mail_as_it_is > /tmp/mail
touch "$state/ada@example.org/letter" "$state/ada@example.org/index/damaged.mdb"
mkdir -p "$state/bob@example.org" /srv/elsewhere
touch /srv/elsewhere/data.mdb
ln -s /srv/elsewhere "$state/bob@example.org/index"
touch /etc/maildird/users
apt remove maildird
expect "service and ports are closed" \
    grep -qx '.*stop maildird.socket maildird.service' /run/systemctl.log
expect "the state is kept" [ -e "$state/ada@example.org/index/data.mdb" ]
expect "settings are kept" cmp "$configuration" /tmp/configuration

say purge
apt purge maildird
expect "the settings are gone, but not what others put there" \
    [ "$(ls /etc/maildird | tr '\n' ' ')" = "certificate.pem key.pem " ]
expect "of the state only what is not maildird's is left" \
    [ "$(find "$state" ! -type d | sort | tee /tmp/left | tr '\n' ' ')" \
    = "$state/ada@example.org/letter $state/bob@example.org/index " ]
expect "nothing is removed that a link leads to" [ -e /srv/elsewhere/data.mdb ]
mail_as_it_is | expect "mail is untouched" cmp - /tmp/mail
