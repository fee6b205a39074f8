# SIGHUP reads the settings again: who is new there can log in.
install -d -o maildird -g maildird -m 0700 /var/mail/vhosts/example.org/ben
cat >> /etc/maildird/maildird.toml <<END
[[accounts]]
name = "ben@example.org"
password = "hidden"
location = "/var/mail/vhosts/example.org/ben"
END
kill -HUP "$SERVICE_PID"
eventually "curl --silent --fail-with-body --cacert $certificate \
    --user ben@example.org:hidden imaps://localhost/ | grep -F INBOX"
