"""Messages as IMAP shows them: envelope, body structure, sections, text for search."""
