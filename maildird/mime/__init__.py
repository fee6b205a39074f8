"""Messages as IMAP shows them: envelope, body structure, sections, text for search.

Everything takes a message as bytes in wire form (lines end in CRLF; LF alone is understood), never
alters it and never fails, whatever it holds: what is broken is read as far as it goes, and limits
bound what is hostile. `describe` gives all that is kept about a message.
"""
