"""Courier's keywords, as they lie beside the messages, become letters of the file names."""

import logging
import os

import pytest

from maildird.maildir.courier_keywords import (
    read_courier_keywords,
    take_over_courier_keywords,
)
from maildird.maildir.folders import list_folder
from maildird.maildir.keywords import read_keywords
from tests.maildir.disk import put


@pytest.fixture
def courier(folder: bytes) -> bytes:
    os.mkdir(os.path.join(folder, b"courierimapkeywords"))
    return folder


def keep(folder: bytes, name: bytes, content: bytes) -> None:
    put(folder, b"courierimapkeywords/" + name, content)


def test_a_folder_that_courier_never_saw(folder: bytes) -> None:
    assert read_courier_keywords(folder) == {}
    take_over_courier_keywords(folder)
    assert not os.path.exists(os.path.join(folder, b"dovecot-keywords"))


def test_a_list_alone(courier: bytes) -> None:
    keep(courier, b":list", b"$Junk\nFoo\n\n1.h,S=5:1\n2:odd.h:0 1\n3.h:\n4.h:7 x\n")
    assert read_courier_keywords(courier) == {b"1.h,S=5": {"Foo"}, b"2:odd.h": {"$Junk", "Foo"}}


def test_what_changed_since_the_list(courier: bytes) -> None:
    keep(courier, b":list", b"$Junk\n\n1.h:0\n2.h:0\n3.h:0\n4.h:0\n")
    keep(courier, b"1.h", b"")
    keep(courier, b"2.h", b"Foo\nBar\n")
    keep(courier, b".5000.2.h", b"Old\n")
    keep(courier, b".999.3.h", b"Old\n")
    keep(courier, b".5000.3.h", b"New\n")
    keep(courier, b".hidden", b"x")
    assert read_courier_keywords(courier) == {
        b"2.h": {"Foo", "Bar"},
        b"3.h": {"New"},
        b"4.h": {"$Junk"},
    }


@pytest.mark.parametrize(
    "content", [b"", b"\n\n\n", b"\xff\n\n1.h:0\n", b"a b\n\n1.h:0\n", b"x\n\n1.h:" + b"9" * 5000]
)
def test_a_list_that_makes_no_sense(courier: bytes, content: bytes) -> None:
    keep(courier, b":list", content)
    assert read_courier_keywords(courier) == {}


def test_keywords_become_letters(courier: bytes) -> None:
    for name in (b"cur/1.h:2,FS", b"cur/2.h:2,Pb,x", b"new/3.h", b"cur/4.h:2,S"):
        put(courier, name)
    put(courier, b"dovecot-keywords", b"2 Foo\n")
    keep(courier, b":list", b"$Junk\nfoo\n\n1.h:0 1\n2.h:0\n3.h:1\ngone.h:0\n")
    take_over_courier_keywords(courier)
    expected = {b"cur/1.h:2,FSac", b"cur/2.h:2,Pab,x", b"cur/3.h:2,c", b"cur/4.h:2,S"}
    assert set(list_folder(courier).names) == expected
    assert read_keywords(courier) == ("$Junk", "", "Foo")
    take_over_courier_keywords(courier)
    assert set(list_folder(courier).names) == expected


def test_keywords_for_which_no_letter_is_left(
    courier: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    words = [b"k%02d" % number for number in range(30)]
    put(courier, b"cur/1.h:2,")
    keep(courier, b"1.h", b"\n".join(words))
    with caplog.at_level(logging.WARNING):
        take_over_courier_keywords(courier)
    assert "left out: k26 k27 k28 k29" in caplog.text
    assert set(list_folder(courier).names) == {b"cur/1.h:2,abcdefghijklmnopqrstuvwxyz"}


def test_what_cannot_be_taken_over_is_said(
    courier: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.maildir.dotlock.PATIENCE", 0.0)
    put(courier, b"cur/1.h:2,")
    put(courier, b"dovecot-uidlist.lock")
    keep(courier, b"1.h", b"Foo\n")
    take_over_courier_keywords(courier)
    assert "can't be taken over" in caplog.text
    assert set(list_folder(courier).names) == {b"cur/1.h:2,"}
