"""maildird: an IMAP server for Maildir trees that other programs keep changing."""

__version__ = "0.1.0"
