"""Which fields each service type asks of ``add``, and what one order of it counts and costs.

The first row is documented by the provider's page, the others by panels of the same family (contract, part 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Counting = Literal["quantity", "comments", "usernames", "one", "posts"]

DELAYS = frozenset([0, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600])


@dataclass(frozen=True, slots=True)
class ServiceType:
    """``needs`` are the fields beside ``link``; ``counts`` says where the quantity of an order comes from."""

    name: str
    needs: tuple[str, ...]
    counts: Counting = "quantity"
    per_package: bool = False
    has_link: bool = True
    can_drip: bool = False


_ALL = (
    ServiceType("Default", ("quantity",), can_drip=True),
    ServiceType("Package", (), "one", per_package=True),
    ServiceType("Custom Comments", ("comments",), "comments"),
    ServiceType("Custom Comments Package", ("comments",), "one", per_package=True),
    ServiceType("Mentions", ("quantity", "usernames")),
    ServiceType("Mentions with Hashtags", ("quantity", "usernames", "hashtags")),
    ServiceType("Mentions Custom List", ("usernames",), "usernames"),
    ServiceType("Mentions Hashtag", ("quantity", "hashtag")),
    ServiceType("Mentions User Followers", ("quantity", "username")),
    ServiceType("Mentions Media Likers", ("quantity", "media")),
    ServiceType("Comment Likes", ("quantity", "username")),
    ServiceType("Poll", ("quantity", "answer_number")),
    ServiceType("Comment Replies", ("username", "comments"), "comments"),
    ServiceType("Invites from Groups", ("quantity", "groups")),
    ServiceType("SEO", ("quantity", "keywords")),
    ServiceType("Subscriptions", ("username", "min", "max", "delay"), "posts", has_link=False),
    ServiceType("Web Traffic", ("quantity", "country", "device", "type_of_traffic"), can_drip=True),
)
_BY_NAME = {kind.name.lower(): kind for kind in _ALL}
_ALIASES = {
    "custom comment": "custom comments",
    "custom replies": "comment replies",
    "keywords": "seo",
    "seo / keywords": "seo",
}
SPELLINGS = {"media": ("media", "media_url"), "comments": ("comments",)}


def service_type(text: object) -> ServiceType:
    """Find the type by its name in any spelling; an unknown type orders like Default, as panels do."""
    name = re.sub(r"[\s_-]+", " ", str(text or "")).strip().lower()
    return _BY_NAME.get(_ALIASES.get(name, name), _BY_NAME["default"])


def all_types() -> tuple[ServiceType, ...]:
    return _ALL


def value_of(fields: Mapping[str, str], name: str) -> str:
    return next((fields[key] for key in SPELLINGS.get(name, (name,)) if fields.get(key)), "").strip()


def lines(text: str) -> int:
    """Count the non-empty lines of a list field; panels accept both line endings."""
    return sum(1 for line in text.replace("\r\n", "\n").split("\n") if line.strip())
