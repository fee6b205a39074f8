"""The Maildir as other programs see it: names, flags, keywords, folders, uidlists, events."""
