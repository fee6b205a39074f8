"""Where the mail of a user lies: paths made from a template, and all else that an account needs.

In a template `{user}` stands for the whole name, `{local}` and `{domain}` for what is before and
after its `@`, `{home}` for the home directory.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from maildird.mailbox.settings import APPEND_LIMIT, AccountSettings, LayoutKind, NamesEncoding
from maildird.server.state import directory_of_account
from maildird.terms.errors import SettingsError


@dataclass(frozen=True, slots=True)
class AccountTemplate:
    """What the accounts of one server have in common; see `AccountSettings`.

    `location` is a template, `state_directory` has a folder for each account.
    """

    location: str | None
    state_directory: str
    layout: LayoutKind | None = None
    names: NamesEncoding | None = None
    separator: str | None = None
    prefix: str = ""
    inbox: str | None = None
    special_use: Mapping[str, str] = field(default_factory=dict)
    append_limit: int = APPEND_LIMIT

    def account(
        self,
        name: str,
        *,
        location: str | None = None,
        layout: LayoutKind | None = None,
        home: str | None = None,
    ) -> AccountSettings:
        """The account of a user, with a location and layout of its own where these are given.

        Raises SettingsError, which completes "the user …", when there can't be one.
        """
        template = location or self.location
        if template is None:
            raise SettingsError(
                "has no location; give it one, or set one for all in [mail] with {user} in it"
            )
        return AccountSettings(
            name=name,
            root=os.fsencode(_expand(template, name, home)),
            state_directory=directory_of_account(self.state_directory, name),
            layout=layout or self.layout,
            names=self.names,
            separator=self.separator,
            prefix=self.prefix,
            inbox=self.inbox,
            special_use=self.special_use,
            append_limit=self.append_limit,
        )


def _expand(template: str, name: str, home: str | None) -> str:
    """The path that a template stands for."""
    local, at, domain = name.rpartition("@")
    if "{domain}" in template and not at:
        raise SettingsError("needs an @ in the name, as {domain} stands in the location")
    if "{domain}" in template and not domain:
        raise SettingsError("needs a domain after the @, as {domain} stands in the location")
    if "{local}" in template and at and not local:
        raise SettingsError("needs a name before the @, as {local} stands in the location")
    if "{home}" in template and not (home and os.path.isabs(home)):
        raise SettingsError("needs a home directory, as {home} stands in the location")
    parts = {
        "user": name,
        "local": local if at else name,
        "domain": domain,
        "home": home or "",
    }
    path = re.sub(r"\{(user|local|domain|home)\}", lambda match: parts[match[1]], template)
    return os.path.normpath(path)
