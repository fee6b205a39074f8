"""Values of an instance that are computed once, when they are asked for."""

from collections.abc import Callable
from typing import Generic, TypeVar, overload

Owner = TypeVar("Owner")
T = TypeVar("T")


class once(Generic[Owner, T]):  # noqa: N801 - it is used like a function
    """A property whose value is computed at the first look and kept in the instance.

    As functools.cached_property, which before Python 3.12 holds a lock while it computes, the same
    one for all instances: of two threads that each ask an instance of its own one would wait for
    the other, for ever if that in turn waits for something of the first. Two threads may not ask
    the same instance.
    """

    def __init__(self, compute: Callable[[Owner], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> "once[Owner, T]": ...

    @overload
    def __get__(self, instance: Owner, owner: type[Owner]) -> T: ...

    def __get__(self, instance: Owner | None, owner: type[Owner]) -> "once[Owner, T] | T":
        if instance is None:
            return self
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value
