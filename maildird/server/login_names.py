"""Login names: `Ada` and `ada` are one, as with Dovecot.

Dovecot makes the letters A to Z small before it looks a name up (`auth_username_format = %Lu`), and
leaves all others alone. The small name is also what stands in locations, and what PAM is asked for.
"""

import string
from typing import Final

_SMALL: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def login_name(name: str) -> str:
    """The name as it is looked up; one in octets is given as `bytes.lower` does."""
    return name.translate(_SMALL)
