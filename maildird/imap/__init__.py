"""Sans-IO protocol: bytes to frozen dataclasses and back. No trio, no files, no mailbox."""
