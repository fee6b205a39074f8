"""Values that are computed once."""

import threading

from maildird.terms.once import once


class Counted:
    """Counts how often it computes; `wait` is called meanwhile."""

    def __init__(self) -> None:
        self.times = 0

    def wait(self) -> None:
        """Takes no time."""

    @once
    def value(self) -> int:
        """The one value."""
        self.wait()
        self.times += 1
        return self.times


class Waiting(Counted):
    """Begins to compute, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.going_on = threading.Event(), threading.Event()

    def wait(self) -> None:
        self.begun.set()
        assert self.going_on.wait(20)


def test_a_value_is_computed_once_for_each_instance() -> None:
    one, other = Counted(), Counted()
    assert (one.value, one.value, other.value) == (1, 1, 1)
    assert one.times == 1
    assert Counted.value.__doc__ == "The one value."


def test_an_instance_does_not_wait_for_another_one() -> None:
    slow, quick = Waiting(), Waiting()
    quick.going_on.set()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.begun.wait(20)
    answers: list[int] = []
    other = threading.Thread(target=lambda: answers.append(quick.value), daemon=True)
    other.start()
    other.join(5)
    slow.going_on.set()
    thread.join()
    assert answers == [1]
