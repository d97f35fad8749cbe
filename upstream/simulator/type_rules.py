"""The rules of each service type: the fields that ``add`` needs, and what one order of it counts and costs.

Only the first row is in the documented contract; the others are what panels of this family do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Counting = Literal["quantity", "comments", "usernames", "one", "posts"]

DELAYS = frozenset([0, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600])


@dataclass(frozen=True, slots=True)
class TypeRules:
    """``needs`` are the fields other than ``link``; ``counted_by`` says where the quantity of an order comes from."""

    name: str
    needs: tuple[str, ...]
    counted_by: Counting = "quantity"
    per_package: bool = False
    has_link: bool = True
    can_drip: bool = False


_ALL = (
    TypeRules("Default", ("quantity",), can_drip=True),
    TypeRules("Package", (), "one", per_package=True),
    TypeRules("Custom Comments", ("comments",), "comments"),
    TypeRules("Custom Comments Package", ("comments",), "one", per_package=True),
    TypeRules("Mentions", ("quantity", "usernames")),
    TypeRules("Mentions with Hashtags", ("quantity", "usernames", "hashtags")),
    TypeRules("Mentions Custom List", ("usernames",), "usernames"),
    TypeRules("Mentions Hashtag", ("quantity", "hashtag")),
    TypeRules("Mentions User Followers", ("quantity", "username")),
    TypeRules("Mentions Media Likers", ("quantity", "media")),
    TypeRules("Comment Likes", ("quantity", "username")),
    TypeRules("Poll", ("quantity", "answer_number")),
    TypeRules("Comment Replies", ("username", "comments"), "comments"),
    TypeRules("Invites from Groups", ("quantity", "groups")),
    TypeRules("SEO", ("quantity", "keywords")),
    TypeRules("Subscriptions", ("username", "min", "max", "delay"), "posts", has_link=False),
    TypeRules("Web Traffic", ("quantity", "country", "device", "type_of_traffic"), can_drip=True),
)
_BY_NAME = {kind.name.lower(): kind for kind in _ALL}
_ALIASES = {
    "custom comment": "custom comments",
    "custom replies": "comment replies",
    "keywords": "seo",
    "seo / keywords": "seo",
}
SPELLINGS = {"media": ("media", "media_url"), "comments": ("comments",)}


def rules_for(text: object) -> TypeRules:
    """Return the rules of a type by its name in any spelling; an unknown type is ordered like Default, as panels do."""
    name = re.sub(r"[\s_-]+", " ", str(text or "")).strip().lower()
    return _BY_NAME.get(_ALIASES.get(name, name), _BY_NAME["default"])


def all_rules() -> tuple[TypeRules, ...]:
    return _ALL


def value_of(fields: Mapping[str, str], name: str) -> str:
    """Return the value of a field under any of the names that panels give it, empty if there is none."""
    return next((fields[key] for key in SPELLINGS.get(name, (name,)) if fields.get(key)), "").strip()


def count_lines(text: str) -> int:
    """Count the non-empty lines of a list field; panels accept both line endings."""
    return sum(1 for line in text.replace("\r\n", "\n").split("\n") if line.strip())
