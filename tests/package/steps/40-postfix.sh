# Postfix delivers, and asks the service who may submit mail, as the examples say.
examples=/usr/share/doc/maildird/examples
for example in virtual submission; do
    grep '^[a-z]' "$examples/postfix-$example.cf"
done | sed "s/static:999/static:$(id -u maildird)/" >> /etc/postfix/main.cf
echo "$user example.org/ada/" > /etc/postfix/vmailbox
sed -n 's/^#     \(post.*\)/\1/p' "$examples"/postfix-*.cf | sh -eu
postconf maillog_file=/var/log/mail.log \
    "smtpd_tls_cert_file=$certificate" smtpd_tls_key_file=/etc/maildird/key.pem
# As if systemd started it.
INVOCATION_ID=tests postfix start
swaks --silent 2 --server localhost --port 25 --from eve@example.com --to "$user" \
    --header 'Subject: from elsewhere'
submit="swaks --silent 2 --server localhost --port 587 --tls --tls-verify --tls-ca-path $certificate
    --from $user --to $user --auth-user $user"
# shellcheck disable=SC2086
{
    $submit --auth PLAIN --auth-password "$password" --header 'Subject: submitted'
    if $submit --auth PLAIN --auth-password wrong; then
        echo "a wrong password submits mail" >&2
        exit 1
    fi
}
for subject in 'from elsewhere' submitted; do
    eventually "curl --silent --cacert $certificate --user $user:$password \
        --request 'SEARCH SUBJECT \"$subject\"' imaps://localhost/INBOX | grep -E 'SEARCH [0-9]'"
done
postfix stop
