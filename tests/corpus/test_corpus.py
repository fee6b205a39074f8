"""The generated mail is the same for the same seed, and of the shapes it promises."""

from email import message_from_bytes

from tests.corpus.mail import messages


def test_one_seed_gives_the_same_mail() -> None:
    assert list(messages(3, 50)) == list(messages(3, 50))
    assert list(messages(3, 50)) != list(messages(4, 50))


def test_mail_comes_in_many_shapes() -> None:
    generated = [message_from_bytes(content) for _when, content in messages(1, 1000)]
    charsets = {part.get_content_charset() for mail in generated for part in mail.walk()}
    assert {"utf-8", "iso-8859-1", "iso-2022-jp", "koi8-r"} <= charsets
    types = {part.get_content_type() for mail in generated for part in mail.walk()}
    assert {"text/plain", "multipart/alternative", "multipart/mixed", "message/rfc822"} <= types
