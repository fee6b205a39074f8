"""When Python looks for objects that only refer to one another (module gc).

Theory of operation. All else is freed at once, by its count of references. The search goes over
objects that live, and the more there are, the longer it takes. What a server is made of, some
hundred thousand objects, is there from the start until the end, so nothing is searched while it is
loaded, and what was loaded is left out of every search after that.
"""

import gc


def collect_nothing_yet() -> None:
    """Search for nothing while the server is loaded."""
    gc.disable()


def collect_what_comes() -> None:
    """Search among the objects that are made from now on."""
    gc.freeze()
    gc.enable()
