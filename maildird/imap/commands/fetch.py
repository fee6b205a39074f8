"""FETCH and UID FETCH (RFC 3501 section 6.4.5, RFC 7162 sections 3.1.4 and 3.2.6)."""

import enum
import re
from dataclasses import dataclass
from typing import Final

from maildird.imap.grammar import Reader
from maildird.imap.rendering import astring
from maildird.terms.errors import Malformed
from maildird.terms.section import Section, SectionText
from maildird.terms.sets import SavedResult, SeqSet, UidSet


class FetchAttribute(enum.Enum):
    """What FETCH may ask for without arguments."""

    FLAGS = "FLAGS"
    UID = "UID"
    INTERNALDATE = "INTERNALDATE"
    RFC822_SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"
    BODYSTRUCTURE = "BODYSTRUCTURE"
    MODSEQ = "MODSEQ"


@dataclass(frozen=True, slots=True)
class FetchSection:
    """`BODY[…]`, `BODY.PEEK[…]`, `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`.

    `partial` is (first octet, number of octets), the number at least 1. `label` is the name that
    stands in the response, `<origin>` included: `BODY[1.MIME]`, `BODY[]<0>`, `RFC822.TEXT`.
    """

    section: Section
    peek: bool
    label: bytes
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH; macros (ALL, FAST, FULL) come expanded. `vanished` needs `changed_since`."""

    messages: SeqSet | UidSet | SavedResult
    uid: bool
    items: tuple[FetchAttribute | FetchSection, ...]
    changed_since: int | None = None
    vanished: bool = False


Item = FetchAttribute | FetchSection

# fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" … ")")
_FAST: Final = (FetchAttribute.FLAGS, FetchAttribute.INTERNALDATE, FetchAttribute.RFC822_SIZE)
_MACROS: Final[dict[str, tuple[Item, ...]]] = {
    "FAST": _FAST,
    "ALL": (*_FAST, FetchAttribute.ENVELOPE),
    "FULL": (*_FAST, FetchAttribute.ENVELOPE, FetchAttribute.BODY),
}
_OLD_SECTIONS: Final[dict[str, Item]] = {
    "RFC822": FetchSection(Section(), peek=False, label=b"RFC822"),
    "RFC822.HEADER": FetchSection(
        Section(text=SectionText.HEADER), peek=True, label=b"RFC822.HEADER"
    ),
    "RFC822.TEXT": FetchSection(Section(text=SectionText.TEXT), peek=False, label=b"RFC822.TEXT"),
}

_NAME: Final = re.compile(rb"[A-Za-z0-9.]+")
_PART: Final = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*")
_PARTIAL: Final = re.compile(rb"<(\d{1,10})\.(\d{1,10})>")
_MOST_ITEMS: Final = 1000
_DEEPEST_PART: Final = 100


def parse_fetch(reader: Reader) -> Fetch:
    """FETCH."""
    return _fetch(reader, uid=False)


def parse_uid_fetch(reader: Reader) -> Fetch:
    """UID FETCH."""
    return _fetch(reader, uid=True)


def _fetch(reader: Reader, *, uid: bool) -> Fetch:
    reader.space()
    messages = reader.message_set(uid=uid)
    reader.space()
    items = _items(reader)
    changed_since, vanished = _modifiers(reader)
    if vanished and not uid:
        raise Malformed("VANISHED goes with UID FETCH only (RFC 7162 section 3.2.6)")
    if vanished and changed_since is None:
        raise Malformed("VANISHED needs CHANGEDSINCE beside it (RFC 7162 section 3.2.6)")
    return Fetch(messages, uid, items, changed_since, vanished)


def _modifiers(reader: Reader) -> tuple[int | None, bool]:
    """fetch-modifiers = SP "(" "CHANGEDSINCE" SP mod-sequence-value / "VANISHED" … ")"."""
    changed_since, vanished = None, False
    if not reader.try_octets(b" "):
        return None, False
    reader.octets(b"(")
    while True:
        name = reader.word("CHANGEDSINCE or VANISHED")
        if name == "CHANGEDSINCE" and changed_since is None:
            reader.space()
            changed_since = reader.modseq()
        elif name == "VANISHED" and not vanished:
            vanished = True
        else:
            raise Malformed(f"{name} is no modifier of FETCH, or stands there twice")
        if reader.try_octets(b")"):
            return changed_since, vanished
        reader.space()


def _items(reader: Reader) -> tuple[Item, ...]:
    if not reader.try_octets(b"("):
        name = reader.match(_NAME, "what to fetch")[0].upper().decode("ascii")
        return _MACROS.get(name) or (_item(reader, name),)
    items: list[Item] = []
    while True:
        name = reader.match(_NAME, "what to fetch")[0].upper().decode("ascii")
        items.append(_item(reader, name))
        if reader.try_octets(b")"):
            return tuple(dict.fromkeys(items))
        reader.space()
        if len(items) == _MOST_ITEMS:
            raise Malformed(f"more than {_MOST_ITEMS} items to fetch; use several commands")


def _item(reader: Reader, name: str) -> Item:
    """fetch-att."""
    if name in _OLD_SECTIONS:
        return _OLD_SECTIONS[name]
    if name in ("BODY", "BODY.PEEK") and reader.try_octets(b"["):
        return _section(reader, peek=name == "BODY.PEEK")
    try:
        return FetchAttribute(name)
    except ValueError:
        raise Malformed(f"{name} can't be fetched (RFC 3501 section 6.4.5)") from None


def _section(reader: Reader, *, peek: bool) -> FetchSection:
    """section = "[" [section-spec] "]" ["<" number "." nz-number ">"]."""
    section, spelled = _section_spec(reader)
    reader.octets(b"]")
    label = b"BODY[" + spelled + b"]"
    match = reader.try_match(_PARTIAL)
    if match is None:
        if reader.ahead(b"<"):
            raise reader.expected("<first octet.number of octets>")
        return FetchSection(section, peek, label)
    first, size = int(match[1]), int(match[2])
    if size == 0:
        raise Malformed("a partial fetch is of at least one octet (RFC 3501 section 9)")
    if max(first, size) >= 1 << 32:
        raise Malformed("the numbers of a partial fetch are below 2^32")
    return FetchSection(section, peek, label + b"<%d>" % first, (first, size))


def _section_spec(reader: Reader) -> tuple[Section, bytes]:
    """section-spec = section-msgtext / (section-part ["." section-text]); and how it is shown."""
    match = reader.try_match(_PART)
    part = tuple(map(int, match[0].split(b"."))) if match else ()
    if len(part) > _DEEPEST_PART:
        raise Malformed(f"the section lies deeper than {_DEEPEST_PART} levels")
    if reader.ahead(b"]"):
        return Section(part), match[0] if match else b""
    if match is not None:
        reader.octets(b".")
    name = reader.match(_NAME, "a section")[0].upper().decode("ascii")
    try:
        text = SectionText(name)
    except ValueError:
        raise Malformed(f"{name} is no section (RFC 3501 section 6.4.5)") from None
    if text is SectionText.MIME and not part:
        raise Malformed("MIME needs the number of a part before it (RFC 3501 section 6.4.5)")
    spelled = (match[0] + b"." if match else b"") + name.encode("ascii")
    if text not in (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT):
        return Section(part, text), spelled
    fields = _header_list(reader)
    shown = b" ".join(astring(field) for field in fields)
    return Section(part, text, fields), spelled + b" (" + shown + b")"


def _header_list(reader: Reader) -> tuple[bytes, ...]:
    """header-list = "(" header-fld-name *(SP header-fld-name) ")"."""
    reader.space()
    reader.octets(b"(")
    fields = [reader.astring("the name of a header field")]
    while not reader.try_octets(b")"):
        reader.space()
        fields.append(reader.astring("the name of a header field"))
    return tuple(fields)
