"""What is known of a platform's addresses: its hosts, the forms that they have, and one spelling for each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

#: Kind of an address that only its platform can resolve; nobody asks it here, so it equals no other address.
SHORT = "short link"


@dataclass(frozen=True)
class Form:
    """One form of a platform's addresses.

    ``pattern`` matches the whole address without scheme, host and slashes at either end, followed by the parameters in
    `PlatformLinks.parameters`, in that order: ``watch?v=abc``. ``canonical`` is filled in with its groups; a group
    whose name begins with ``name`` is a user's name, and written in small letters.
    """

    kind: str
    pattern: str
    canonical: str = ""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.ASCII)


@dataclass(frozen=True)
class PlatformLinks:
    """``hosts`` maps each host of the platform, without www, to what its paths are read with in front of them.

    ``short_hosts`` only hold short links. ``subdomains`` matches hosts that depend on language or user.
    ``parameters`` of the query carry a meaning, all others are dropped. ``reserved`` are first parts of a path that are
    pages of the platform rather than somebody's name. ``handle`` is the address that ``@name`` stands for.
    ``schemes`` are the platform's own, with the pattern of what follows and the address it stands for.
    """

    slug: str
    name: str
    hosts: Mapping[str, str]
    forms: tuple[Form, ...] = ()
    short_hosts: frozenset[str] = frozenset()
    subdomains: str = ""
    parameters: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    handle: str = ""
    schemes: tuple[tuple[str, str], ...] = ()
    #: True where addresses that fit no form, but for the front page, are read as those of any other site.
    others_pass: bool = False
    #: Second-level names that nobody else uses for a site of their own: under another ending they are a look-alike.
    labels: tuple[str, ...] = field(default=())


def hosts(text: str) -> dict[str, str]:
    """Return the hosts of a text, each with nothing put in front of its paths."""
    return dict.fromkeys(text.split(), "")


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())
