"""Make a small Maildir++ tree to try maildird on; one that is there already stays as it is."""

import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

WELCOME = """\
Good day,

this mailbox is a Maildir: every message is a file. Rename one, delete
one, or have another program deliver one into new/, and your mail client
hears of it at once.

Nothing in here is needed for anything. Remove the whole tree when you
have seen enough.
"""

MESSAGES = [
    ("INBOX", "new", "Welcome to maildird", "maildird <maildird@example.org>", WELCOME),
    (
        "INBOX",
        "cur",
        "Grüße aus Köln",
        "Jürgen Müller <jm@example.org>",
        "Schönes Wetter hier! ☀\n",
    ),
    ("INBOX", "cur", "Minutes of Monday", "Ada <ada@example.org>", "See the attachment.\n"),
    ("Sent", "cur", "Re: Minutes of Monday", "Me <me@example.org>", "Thank you, Ada.\n"),
    ("Archive.2025", "cur", "Old but gold", "Bo <bo@example.org>", "Keep this one.\n"),
]


def main(root: Path) -> None:
    """Write the tree below `root`."""
    if (root / "cur").exists():
        return
    for number, (folder, subdir, subject, sender, text) in enumerate(MESSAGES, 1):
        directory = root if folder == "INBOX" else root / f".{folder}"
        for each in ("cur", "new", "tmp"):
            (directory / each).mkdir(mode=0o700, parents=True, exist_ok=True)
        if directory != root:
            (directory / "maildirfolder").touch()
        info = "" if subdir == "new" else ":2,S"
        name = f"{1_760_000_000 + number * 3600}.M{number}P1.sample{info}"
        content = message(number, subject, sender, text).as_bytes(policy=SMTP.clone(linesep="\n"))
        (directory / subdir / name).write_bytes(content)


def message(number: int, subject: str, sender: str, text: str) -> EmailMessage:
    """One message; the third has an attachment."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = "Me <me@example.org>"
    mail["Subject"] = subject
    mail["Date"] = f"Thu, 09 Oct 2025 0{number}:53:20 +0000"
    mail["Message-ID"] = f"<sample-{number}@example.org>"
    mail.set_content(text)
    if number == 3:
        mail.add_attachment(b"1. Nothing was decided.\n", "text", "plain", filename="minutes.txt")
    return mail


if __name__ == "__main__":
    main(Path(sys.argv[1]))
