"""Who runs Postgres: it refuses root, so root lends it an unprivileged user; anybody else runs it as themselves."""

import os
import pwd
from dataclasses import dataclass

from storefront.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Owner:
    """uid and gid a server runs under; `dropped` says whether that differs from us."""

    uid: int
    gid: int
    dropped: bool

    @property
    def user(self) -> int | None:
        """For subprocess: None leaves the user as it is, which is all that an ordinary user may ask for."""
        return self.uid if self.dropped else None

    @property
    def group(self) -> int | None:
        return self.gid if self.dropped else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.dropped else None


def postgres_owner() -> Owner:
    """The user Postgres runs as; as root the one DEMO_SERVICES_USER names ("nobody"). Raises EmbeddedError."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), dropped=False)
    name = os.environ.get("DEMO_SERVICES_USER", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedError(
            f"Postgres does not run as root, and there is no user {name!r}. Name another in DEMO_SERVICES_USER."
        ) from None
    return Owner(entry.pw_uid, entry.pw_gid, dropped=True)


def ourselves() -> Owner:
    return Owner(os.geteuid(), os.getegid(), dropped=False)
