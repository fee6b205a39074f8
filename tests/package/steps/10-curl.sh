# Log in over STARTTLS and over TLS, read what is delivered meanwhile; a wrong password stays out.
inbox='imaps://localhost/INBOX'
ada="--fail-with-body --silent --show-error --cacert $certificate --user $user:$password"

deliver 'Subject: first' 'One.'
# shellcheck disable=SC2086
{
    curl $ada --ssl-reqd 'imap://localhost/' | grep -F INBOX
    curl $ada --request 'STATUS INBOX (MESSAGES)' imaps://localhost/ | grep -F 'MESSAGES 1'
    deliver 'Subject: second' 'Two.'
    eventually "curl $ada '$inbox;UID=2' | grep -F 'Subject: second'"
}
if curl --silent --cacert "$certificate" --user "$user:wrong" imaps://localhost/; then
    echo "a wrong password was taken" >&2
    exit 1
fi
# From this machine a password may come without TLS.
curl --silent --show-error --user "$user:$password" imap://localhost/ | grep -F INBOX
