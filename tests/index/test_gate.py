"""Who may be inside, and when."""

import threading

import pytest

from maildird.index.gate import Gate


def test_whoever_is_alone_waited_for_those_inside() -> None:
    gate = Gate()
    order = []

    def be_alone() -> None:
        with gate.alone():
            order.append("alone")

    with gate.inside(), gate.inside():
        waiting = threading.Thread(target=be_alone)
        waiting.start()
        with gate.inside():
            order.append("in again while another waits")
        order.append("leaving")
    waiting.join()
    assert order == ["in again while another waits", "leaving", "alone"]


def test_nobody_enters_while_one_is_alone() -> None:
    gate = Gate()
    order = []

    def enter() -> None:
        with gate.inside():
            order.append("inside")

    with gate.alone():
        entering = threading.Thread(target=enter)
        entering.start()
        order.append("alone")
    entering.join()
    assert order == ["alone", "inside"]


def test_nobody_waits_for_himself() -> None:
    gate = Gate()
    with gate.inside():
        with pytest.raises(RuntimeError, match="end the snapshot"):
            gate.refuse_inside()
        with pytest.raises(RuntimeError, match="end the snapshot"), gate.alone():
            pass
    with gate.alone():
        gate.refuse_inside()


def test_an_error_leaves_the_gate() -> None:
    gate = Gate()
    with pytest.raises(LookupError), gate.inside():
        raise LookupError
    with pytest.raises(LookupError), gate.alone():
        raise LookupError
    with gate.alone():
        pass
