"""Who there is at one moment, and what is shown of those who are not; it never changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maildird.server.decoys import Decoys, decoys_among
from maildird.server.login_names import login_name
from maildird.server.settings import User


@dataclass(frozen=True, slots=True)
class Roll:
    """Users by login name; `have_scram_keys` where there are keys for anybody."""

    users: Mapping[str, User]
    decoys: Decoys

    @property
    def have_scram_keys(self) -> bool:
        """Whether anybody has keys for SCRAM-SHA-256, or a password that they can be made from."""
        return bool(self.decoys.ways)

    def find(self, name: str) -> User | None:
        """The user of this name, in whatever case."""
        return self.users.get(login_name(name))


def roll_of(users: Iterable[User]) -> Roll:
    """Those users, whose names differ in more than case."""
    by_name = {login_name(user.name): user for user in users}
    stored = (user.password for user in by_name.values())
    return Roll(by_name, decoys_among(each for each in stored if each is not None))
