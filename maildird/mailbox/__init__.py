"""Mailboxes: the door through which every change goes, and the views that sessions have."""
