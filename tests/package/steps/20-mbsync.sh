# Take all mail to a Maildir of one's own with mbsync.
copy=$(mktemp -d)
cat > "$copy/mbsyncrc" <<END
IMAPStore far
Host localhost
TLSType IMAPS
CertificateFile $certificate
User $user
Pass $password

MaildirStore near
Path $copy/mail/
Inbox $copy/mail/INBOX
Subfolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
SyncState *
END
mkdir "$copy/mail"
mbsync --quiet --config "$copy/mbsyncrc" --all
grep -rqxF 'Subject: first' "$copy/mail/INBOX"
grep -rqxF 'Subject: second' "$copy/mail/INBOX"
