"""Doing the same to many files, of which some may fail."""

from collections.abc import Callable, Iterable


def to_each(files: Iterable[bytes], act: Callable[[bytes], object]) -> None:
    """Call `act` for each file; one that isn't there is no error.

    OSError when it fails for one; the rest is done all the same.
    """
    errors = []
    for file in files:
        try:
            act(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]
