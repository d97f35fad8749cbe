"""The user that runs Postgres: it refuses root, so as root we run it as an unprivileged user."""

import os
import pwd
from dataclasses import dataclass

from storefront.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Owner:
    """The uid and gid of a server; `dropped` is true if they differ from ours."""

    uid: int
    gid: int
    dropped: bool

    @property
    def user(self) -> int | None:
        """For subprocess: None keeps the user, which is all that an ordinary user may do."""
        return self.uid if self.dropped else None

    @property
    def group(self) -> int | None:
        return self.gid if self.dropped else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.dropped else None


def postgres_owner() -> Owner:
    """The user to run Postgres as: ours, or for root the one in DEMO_SERVICES_USER ("nobody"). Raises EmbeddedError."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), dropped=False)
    name = os.environ.get("DEMO_SERVICES_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(
            f"Postgres does not run as root, and there is no user {name!r}. Set DEMO_SERVICES_USER to another user."
        ) from None
    return Owner(entry.pw_uid, entry.pw_gid, dropped=True)


def ourselves() -> Owner:
    return Owner(os.geteuid(), os.getegid(), dropped=False)
