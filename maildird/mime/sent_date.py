"""The day in the Date field, for SENTBEFORE, SENTON and SENTSINCE."""

from datetime import date


def sent_date(message: bytes) -> date | None:
    """The day as the Date field has it, time and zone left out; None where there is none."""
    raise NotImplementedError
