"""The LMDB index: what a Maildir can't remember (UIDs, mod-sequences, tombstones)."""
