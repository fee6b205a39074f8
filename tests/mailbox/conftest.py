"""An account over a Maildir that other programs change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mailbox.outside import Mail, mail_in


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[Mail]:
    """An account with an empty INBOX."""
    async with mail_in(tmp_path) as opened:
        yield opened
